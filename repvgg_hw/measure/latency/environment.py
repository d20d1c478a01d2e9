"""Where a figure was measured: device, clocks, versions."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import torch

from repvgg_hw import __version__

PACKAGES = ("torch", "triton", "numpy", "timm", "torchvision")
CLOCKS = ("clocks.sm", "clocks.mem", "clocks.max.sm", "power.draw", "temperature.gpu")


def environment(device: torch.device) -> dict[str, Any]:
    """Device, driver and package versions, as JSON can hold them."""
    facts: dict[str, Any] = {
        "repvgg-hw": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "device": device_name(device),
        "threads": torch.get_num_threads(),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "multiprocessors": properties.multi_processor_count,
            "memory_bytes": properties.total_memory,
            "l2_bytes": properties.L2_cache_size,
            "compute_capability": f"{properties.major}.{properties.minor}",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]  # torch gives it no types
            "driver": _query(device, "driver_version"),
        }
    return facts


def device_name(device: torch.device) -> str:
    """What a person calls this device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def clocks(device: torch.device) -> dict[str, str]:
    """Clocks (MHz), power (W) and temperature (C) now; empty where nvidia-smi does not tell."""
    if device.type != "cuda":
        return {}
    values = _query(device, ",".join(CLOCKS)).split(", ")
    return dict(zip(CLOCKS, values, strict=True)) if len(values) == len(CLOCKS) else {}


def _query(device: torch.device, fields: str) -> str:
    """One line of nvidia-smi, or nothing."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    index = torch.cuda.current_device() if device.index is None else device.index
    command = [tool, f"--query-gpu={fields}", "--format=csv,noheader,nounits", f"--id={index}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (subprocess.SubprocessError, OSError):
        return ""


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
