"""Names of networks as identifiers, folders and comments: legal everywhere, different where they differ."""

from __future__ import annotations

import re

import pytest

from repvgg_hw.names import ascii_text, display_name, folder_name, identifier, top_module

NAMES = [
    "net", "RepVGG-A0", "a.b c", "modèle", "module", "reg", "int", "2nd", "---", "", "网络", "模型",
    "net网络", "ﬁ²", "$HOME", "[bold]x[", "a" * 300, "a" * 299 + "b", "ß", "_", "naïve_Ö", "a\nb",
    "a\udcffb", "\u202eabc", "٣", "🙂",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_legal(name: str) -> None:
    assert re.fullmatch(r"[a-z_][a-z0-9_]{0,63}", identifier(name))
    assert re.fullmatch(r"repvgg_[a-z0-9_]{1,64}", top_module(name))
    assert re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,63}", folder_name(f"{name}.pth"))
    assert re.fullmatch(r"[ -~]*", ascii_text(name))
    shown = display_name(name)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert 0 < len(shown) < 130


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RepVGG-A0", "repvgg_repvgg_a0"),
        ("digits", "repvgg_digits"),
        ("modèle", "repvgg_modele"),
        ("2nd", "repvgg_net_2nd"),
        ("module", "repvgg_module"),
        ("---", "repvgg_net"),
        ("ﬁ²", "repvgg_fi2"),
    ],
)
def test_modules(name: str, expected: str) -> None:
    assert top_module(name) == expected


def test_names_that_ascii_cannot_spell_stay_different() -> None:
    spelled = ("网络", "模型", "net网络", "net模型", "a" * 300, "a" * 299 + "b")
    assert len({identifier(name) for name in spelled}) == len(spelled)
    assert len({folder_name(f"{name}.pth") for name in spelled}) == len(spelled)


def test_folders() -> None:
    assert folder_name("A0") == "a0"
    assert folder_name("runs/My net (2).pth") == "my-net-2"
    assert folder_name("my_net.pth") == "my_net"
    assert folder_name("---.pth") == "net"
    assert folder_name("modèle.pth") == "modele"
