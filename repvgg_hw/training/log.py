"""What a training reports after each epoch: a CSV file, and TensorBoard's events where that is installed."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from repvgg_hw.errors import InputError
from repvgg_hw.files import write_atomically


@dataclass(frozen=True)
class Epoch:
    """One epoch. top1 is that of the varied training images; val_top1 of --val, None without it."""

    epoch: int
    step: int
    rate: float
    loss: float
    top1: float
    val_top1: float | None
    seconds: float


class Log:
    """Epochs as they end. A CSV file is written anew each time, whole; its earlier rows stay when resumed."""

    def __init__(self, path: Path | None, tensorboard: Path | None) -> None:
        self._path = path
        self._rows: list[dict[str, Any]] = []
        self._writer = _writer(tensorboard) if tensorboard is not None else None

    @property
    def last_top1(self) -> float | None:
        """That of the last epoch on --val, None without it."""
        value = self._rows[-1]["val_top1"] if self._rows else ""
        return None if value == "" else float(value)

    def resume(self, step: int) -> None:
        """Keep the file's rows up to a step. Raises InputError where they are not what `add` writes."""
        if self._path is None or not self._path.is_file():
            return
        names = [field.name for field in fields(Epoch)]
        try:
            with self._path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if _is_epoch(row, names)]
            self._rows = [row for row in rows if int(row["step"]) <= step]
        except (ValueError, csv.Error):
            raise InputError(f"{self._path} is no log of this training: give another --log") from None

    def add(self, epoch: Epoch) -> None:
        """Write one more epoch."""
        row = {key: "" if value is None else value for key, value in asdict(epoch).items()}
        self._rows.append(row)
        if self._path is not None:
            text = io.StringIO()
            table = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
            table.writeheader()
            table.writerows(self._rows)
            write_atomically(self._path, text.getvalue().encode())
        if self._writer is not None:
            for key, value in row.items():
                if key not in ("epoch", "step") and value != "":
                    self._writer.add_scalar(key, value, epoch.step)
            self._writer.flush()


def _is_epoch(row: dict[str, Any], names: list[str]) -> bool:
    """True of a row that `Log.add` may have written; else ValueError."""
    if list(row) != names or not all(isinstance(text, str) for text in row.values()):
        raise ValueError
    for name, text in row.items():
        if (text or name != "val_top1") and not math.isfinite(float(text)):
            raise ValueError
    return True


def _writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError("--tensorboard needs the package tensorboard: pip install tensorboard") from None
    return SummaryWriter(folder)
