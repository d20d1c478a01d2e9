"""A network's name, which may be anything that a file is called, as other worlds spell it.

The name itself is for people: reports, design.json, README. Everything that a tool reads has one of these.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

LONGEST = 64  # characters of an identifier: `repvgg_NAME.sv` must be a file name, and lines stay readable
LONGEST_SHOWN = 120
NAMELESS = "net"


def display_name(text: str) -> str:
    """A name as people read it: one line, printable, valid Unicode; "_" in place of anything else."""
    shown = "".join(letter if letter.isprintable() else "_" for letter in text).strip()
    return (shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}...") or NAMELESS


def ascii_text(text: str) -> str:
    """A name for comments of source files: printable ASCII, accents dropped, "_" for other letters."""
    return "".join(letter if " " <= letter <= "~" else "_" for letter in _unaccented(text)).strip()


def identifier(name: str) -> str:
    """A name as an identifier of Verilog, C++ and Tcl: [a-z_][a-z0-9_]*, at most LONGEST characters.

    Letters that ASCII cannot spell, and what is beyond LONGEST, are made up for by eight digits of a hash, so
    that different names stay different. It may be a keyword: `top_module` puts a prefix before it.
    """
    cleaned = re.sub(r"[^a-z0-9_]", "_", _unaccented(name).lower())
    if not cleaned.strip("_"):
        cleaned = NAMELESS
    elif not re.match(r"[a-z_]", cleaned):
        cleaned = f"{NAMELESS}_{cleaned}"
    return _told_apart(cleaned, name, "_")


def top_module(name: str) -> str:
    """The Verilog module of a network's design: no keyword, nor of the library, which begins with rvg_."""
    return f"repvgg_{identifier(name)}"


def folder_name(source: str) -> str:
    """A variant, path or address as the name of a folder: ASCII, lower case, words joined by hyphens."""
    stem = Path(source).stem
    words = re.sub(r"[^a-z0-9_]+", "-", _unaccented(stem).lower()).strip("-")
    return _told_apart(words or NAMELESS, stem, "-")


def _told_apart(cleaned: str, name: str, joint: str) -> str:
    """cleaned, with a hash of name behind it where cleaning lost a letter or it is too long."""
    lost = any(letter.isalnum() and not letter.isascii() for letter in _unaccented(name))
    if not lost and len(cleaned) <= LONGEST:
        return cleaned
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{cleaned[: LONGEST - 9].strip('_-') or NAMELESS}{joint}{digest}"


def _unaccented(text: str) -> str:
    """NFKD without combining marks: é -> e, ﬁ -> fi."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
