"""Checkpoints from the Hugging Face hub: hf://owner/name[@revision][/file] (extra `hub`)."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from repvgg_hw.errors import InputError

_ADDRESS = re.compile(  # a Path made of an address has lost one of the two slashes
    r"hf:/{1,2}(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(@(?P<revision>[\w.-]+))?(/(?P<file>[\w./-]+))?$"
)
_FILES = ("model.safetensors", "pytorch_model.bin")  # in this order


def fetch(path: str | os.PathLike[str]) -> Path:
    """A local file as it is, or the hub's file from its cache, downloaded if it is not there yet.

    Without a file's name, model.safetensors or else pytorch_model.bin. Only that one file is fetched.
    Raises InputError, in one line, for a malformed address, a missing package, no network or no such file.
    """
    text = os.fspath(path)
    if not text.startswith("hf:/"):
        return Path(text)
    match = _ADDRESS.match(text)
    if match is None:
        raise InputError(f"{text}: hub addresses look like hf://owner/name[@revision][/file]")
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    except ImportError as error:
        raise InputError(f"{text}: needs the extra: pip install 'repvgg-hw[hub]'") from error
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries; our one line says the rest
    repository, revision = f"{match['owner']}/{match['name']}", match["revision"]
    wanted = (match["file"],) if match["file"] else _FILES
    for file in wanted:
        try:
            return Path(hf_hub_download(repository, file, revision=revision))
        except LocalEntryNotFoundError as error:
            raise InputError(f"{text}: the hub cannot be reached and {file} is not in its cache") from error
        except EntryNotFoundError:
            continue
        except Exception as error:  # no such repository or revision, gated, a proxy's answer, ...
            reason = " ".join(str(error).split())[:120]
            raise InputError(
                f"{text}: the hub does not give it ({type(error).__name__}: {reason})"
            ) from error
    raise InputError(f"{text}: the repository has no {' and no '.join(wanted)}; name a file")
