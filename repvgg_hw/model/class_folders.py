"""Which class a folder of images stands for.

Without an index the sorted folder names are the network's classes 0, 1, 2, ... An index file says it by name:

    ["cat", "dog"]                                       folder names in the network's order
    {"cat": 0, "dog": 1}                                 torchvision's class_to_idx
    {"0": ["n01440764", "tench"], "1": [...]}            ImageNet's index: any of the names
    [{"index": 0, "wnid": "n01443537", "name": "..."}]   a list of records: any of their texts
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from repvgg_hw import schema
from repvgg_hw.errors import InputError

SYSTEM_PREFIXES = (".", "__")  # .ipynb_checkpoints, __MACOSX: no classes

Index = dict[str, set[int]]  # folder name -> classes with that name; more than one is ambiguous


def class_folders(folder: Path) -> list[Path]:
    """The folders in folder that may stand for classes, sorted by name as text: "10" before "2"."""
    folders = (p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(SYSTEM_PREFIXES))
    return sorted(folders, key=lambda p: p.name)


def read_index(path: Path) -> Index:
    """The classes by folder name. Raises InputError for a file that is in none of the forms above."""
    content = schema.read_typed(path, "class index")
    index: Index = defaultdict(set)
    for number, names in _entries(content, path):
        for name in names:
            index[name].add(number)
    if not index:
        raise InputError(f"{path}: the class index names no class")
    return dict(index)


def labels_by_index(folders: Sequence[Path], index: Index, path: Path) -> list[int]:
    """Each folder's class. Raises InputError for a folder that the index does not name, or names twice."""
    labels = []
    for folder in folders:
        classes = sorted(index.get(folder.name, ()))
        if not classes:
            raise InputError(f"{folder}: the class index {path} does not name this folder")
        if len(classes) > 1:
            raise InputError(f"{folder}: the class index {path} gives this name to classes {classes}")
        labels.append(classes[0])
    return labels


def _entries(content: Any, path: Path) -> Iterator[tuple[int, Iterable[str]]]:
    """(class, its names) of any of the forms."""
    if isinstance(content, list):
        for position, entry in enumerate(content):
            if isinstance(entry, str):
                yield position, [entry]
            elif isinstance(entry, dict) and _is_class(entry.get("index")):
                yield entry["index"], [text for text in entry.values() if isinstance(text, str)]
            else:
                raise InputError(
                    f"{path}: entry {position} is neither a folder name nor a record with its index"
                )
    elif isinstance(content, dict):
        for key, value in content.items():
            names = [value] if isinstance(value, str) else value
            if _is_class(value):
                yield value, [key]
            elif key.isdecimal() and isinstance(names, list) and all(isinstance(n, str) for n in names):
                yield int(key), names
            else:
                raise InputError(f'{path}: {key!r} is neither {{"folder": class}} nor {{"class": "folder"}}')
    else:
        raise InputError(f"{path}: a class index is a JSON list or object")


def _is_class(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
