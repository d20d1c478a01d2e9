"""Tables as bytes, which a simulator loads many times as fast as `$readmemh` reads their text.

Bytes are made of the emitted text, never of the network: what is simulated is what is synthesised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from repvgg_hw.targets.verilog.netlist import Rom

MACRO = "RVG_BINARY_TABLES"  # under which rvg_rom.sv reads bytes
BINARY_TABLES = (f"-D{MACRO}",)  # argument of a build
SUFFIX = ".bin"  # behind the name of the table's text


def to_bytes(text: str, width: int) -> bytes:
    """Hexadecimal words of `width` bits -> each in as few bytes as hold it, the highest first.

    Raises ValueError where the text is something else.
    """
    digits = 2 * -(-width // 8)
    lines, rest = divmod(len(text), digits + 1)
    if rest or text[digits :: digits + 1] != "\n" * lines:  # else lines are whole bytes already
        words = [word.zfill(digits) for word in text.split()]
        if any(len(word) != digits for word in words):
            raise ValueError(f"words of more than {width} bits")
        text = "".join(words)
    data = bytes.fromhex(text)
    spare = 8 * (digits // 2) - width
    if spare and any(byte >> 8 - spare for byte in data[:: digits // 2]):
        raise ValueError(f"words of more than {width} bits")
    return data


def write_tables(folder: Path, tables: Iterable[Rom], text_of: Callable[[str], str]) -> None:
    """What a simulator built with BINARY_TABLES reads, below the folder that it runs in.

    text_of  a bank's file name -> its text
    A table whose text is no such words is left out: the simulator ends where it misses it.
    """
    for table in tables:
        for bank in table.banks:
            path, text = folder / bank.file, text_of(bank.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            if table.constant:
                path.write_text(text)
                continue
            binary = path.with_name(path.name + SUFFIX)
            try:
                binary.write_bytes(to_bytes(text, bank.width))
            except ValueError:
                binary.unlink(missing_ok=True)
