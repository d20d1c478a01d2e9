"""The templates for users' CI: right by their services' schemas, and their shell steps do what they say.

The steps run in order, as they stand, without a container: `git` and `python -m venv` are stand-ins that take
the command from this environment; everything else is real.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.torch import save_file

from repvgg_hw.checkpoint import random_model
from repvgg_hw.network import Architecture

ROOT = Path(__file__).resolve().parents[1]
ACTION, GITLAB = ROOT / "action.yml", ROOT / "gitlab" / "repvgg-hw.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SMALL = Architecture("custom", (4, 4), (1, 1), (2, 2), {}, 3, 1)
GENERATE = "--mean 0.5 --std 0.5\n--method minmax --multipliers 64"
SIMULATE = "--limit 2"
# Makes an environment whose python notes what it is asked for, and whose repvgg-hw is this one's.
PYTHON = """#!/bin/bash
[ "$1 $2" = "-m venv" ] || exit 9
mkdir -p "$3/bin" && ln -sf {command} "$3/bin/repvgg-hw"
printf '#!/bin/bash\\nprintf "%%s\\\\n" "$@" > {log}\\n' > "$3/bin/python" && chmod +x "$3/bin/python"
"""
GIT = """#!/bin/bash
printf "%s\\n" "$@" > git.log && mkdir "${@: -1}"
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's checkout: a checkpoint and images. Stand-ins lie in `bin`."""
    folder = tmp_path_factory.mktemp("ci")
    save_file(random_model(SMALL, seed=0).state_dict(), folder / "net.safetensors")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), dtype=np.uint8)
    np.savez(folder / "images.npz", images=pixels, labels=np.arange(4) % 3)
    (folder / "bin").mkdir()
    command = Path(sys.executable).with_name("repvgg-hw")
    stand_in(folder / "bin/python3", PYTHON.format(command=command, log=folder / "pip.log"))
    stand_in(folder / "bin/git", GIT)
    return folder


def stand_in(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def schema_errors(name: str, *files: Path) -> str:
    """What a service's schema says against the files; "" where nothing."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{name}",
        *map(str, files),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def bash(script: str, work: Path, env: dict[str, str], options: str = "-eo pipefail") -> int:
    """A step as the services run it; its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    command = ["bash", "--noprofile", "--norc", *options.split(), "-c", script]
    return subprocess.run(command, cwd=work, env=environment).returncode


def run_action(work: Path, first: str = "", **given: str) -> int:
    """The composite action's steps, from `first` on, as a runner does; the first exit code that is not 0."""
    action = yaml.safe_load(ACTION.read_text())
    values = {name: given.get(name, spec.get("default")) for name, spec in action["inputs"].items()}
    missing = [
        name for name, spec in action["inputs"].items() if spec.get("required") and values[name] is None
    ]
    assert not missing, f"inputs without value: {missing}"
    path_file = work / "github_path"
    path_file.write_text("" if not first else path_file.read_text())
    skipped = first != ""
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"], "inputs must not become text of a script"
        env = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda m: values[m[1]], text)
            for name, text in step["env"].items()
        }
        added = ":".join(reversed(path_file.read_text().split()))
        env |= {
            "GITHUB_PATH": str(path_file),
            "GITHUB_ACTION_PATH": str(ROOT),
            "RUNNER_TEMP": str(work / "tmp"),
        }
        env["PATH"] = f"{added}:{work / 'bin'}:/usr/bin:/bin" if added else f"{work / 'bin'}:/usr/bin:/bin"
        skipped = skipped and step["name"] != first
        if not skipped and (code := bash(step["run"], work, env)):
            return code
    return 0


def run_gitlab(work: Path, **variables: str) -> int:
    """The hidden job's scripts in one shell, as GitLab's runner does, with an extending job's variables."""
    job = yaml.safe_load(GITLAB.read_text())[".repvgg-hw"]
    unknown = variables.keys() - job["variables"].keys()
    assert not unknown, f"the template knows no {unknown}"
    env = {**job["variables"], **variables, "PATH": f"{work / 'bin'}:/usr/bin:/bin"}
    return bash("\n".join([*job["before_script"], *job["script"]]), work, env)


def failures(results: Path) -> int:
    return int(ET.parse(results).getroot().get("failures", "0"))


def test_templates_are_right_by_their_services_schemas(tmp_path: Path) -> None:
    # hidden jobs are not checked by the schema: the job as one that extends it has it
    extended = {"accelerator": yaml.safe_load(GITLAB.read_text())[".repvgg-hw"]}
    (tmp_path / "job.yml").write_text(yaml.safe_dump(extended))
    assert schema_errors("github-actions", ACTION) == ""
    assert schema_errors("github-workflows", *WORKFLOWS) == ""
    assert schema_errors("gitlab-ci", tmp_path / "job.yml") == ""
    (tmp_path / "action.yml").write_text(ACTION.read_text().replace("required: true", "required: perhaps", 1))
    assert "perhaps" in schema_errors("github-actions", tmp_path / "action.yml")
    extended["accelerator"]["artifacts"]["when"] = "sometimes"
    (tmp_path / "job.yml").write_text(yaml.safe_dump(extended))
    assert "sometimes" in schema_errors("gitlab-ci", tmp_path / "job.yml")


def test_action_proves_a_checkpoint_and_fails_for_a_changed_weight(work: Path) -> None:
    given = {
        "weights": "net.safetensors",
        "calibration": "images.npz",
        "generate": GENERATE,
        "simulate": SIMULATE,
    }
    assert run_action(work, **given) == 0
    results = work / "build/repvgg-hw.xml"
    names = [case.get("name") for case in ET.parse(results).getroot()]
    assert names == ["stage0", "stage1.0", "pool", "linear", "tables and timing"]
    assert failures(results) == 0
    asked = (work / "pip.log").read_text().split()
    assert asked[:3] == ["-m", "pip", "install"]
    assert asked[-3:] == ["-c", str(ROOT / "constraints.txt"), f"{ROOT}[onnx]"]

    table = work / "build/design/mem/stage1_0_weights.mem"
    sound = table.read_text()
    table.write_text(("1" if sound[0] == "0" else "0") + sound[1:])
    assert run_action(work, "Simulate", **given) == 1
    assert failures(results) > 0
    table.write_text(sound)


def test_gitlab_job_proves_a_checkpoint(work: Path) -> None:
    (work / "build/repvgg-hw.xml").unlink(missing_ok=True)
    assert run_gitlab(
        work,
        REPVGG_HW_REPOSITORY="https://git.example/repvgg-hw.git",
        REPVGG_HW_REF="v1",
        REPVGG_HW_WEIGHTS="net.safetensors",
        REPVGG_HW_CALIBRATION="images.npz",
        REPVGG_HW_GENERATE=GENERATE.replace("\n", " "),
        REPVGG_HW_SIMULATE=SIMULATE,
    ) == 0  # fmt: skip
    assert (work / "git.log").read_text().split()[-2:] == [
        "https://git.example/repvgg-hw.git",
        ".repvgg-hw-source",
    ]
    job = yaml.safe_load(GITLAB.read_text())[".repvgg-hw"]
    assert failures(work / job["artifacts"]["reports"]["junit"]) == 0
    assert all((work / path).is_dir() for path in job["artifacts"]["paths"])
    assert run_gitlab(work) != 0, "without a checkpoint"


def test_the_page_names_the_templates_inputs() -> None:
    """docs/tutorials/ci.md shows both as users write them."""
    page = (ROOT / "docs/tutorials/ci.md").read_text()
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    steps: list[dict[str, Any]] = shown[0]["jobs"]["accelerator"]["steps"]
    used = next(step["with"] for step in steps if step["uses"].startswith("OWNER/repvgg-hw"))
    inputs = yaml.safe_load(ACTION.read_text())["inputs"]
    assert used.keys() <= inputs.keys()
    assert all(f"`{name}`" in page for name in inputs)
    template = yaml.safe_load(GITLAB.read_text())[".repvgg-hw"]["variables"]
    assert shown[1]["accelerator"]["variables"].keys() <= template.keys()
