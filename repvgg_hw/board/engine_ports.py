"""The ports of an engine's top beside clock, reset and interrupt, as AXI names them."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.plan.engine.registers import CONTROL_BITS

ID_BITS = 2
ADDRESS = {
    "id": ID_BITS, "addr": 32, "len": 8, "size": 3, "burst": 2, "lock": 1, "cache": 4, "prot": 3, "qos": 4
}  # fmt: skip


@dataclass(frozen=True)
class Port:
    """bits: None of a port that is no vector."""

    name: str
    output: bool
    bits: int | None = None


def _handshake(prefix: str, source: bool) -> list[Port]:
    """valid, which the source of the channel drives, and ready."""
    return [Port(f"{prefix}valid", source), Port(f"{prefix}ready", not source)]


def _channel(prefix: str, source: bool, **signals: int | None) -> list[Port]:
    return [
        *(Port(f"{prefix}{name}", source, bits) for name, bits in signals.items()),
        *_handshake(prefix, source),
    ]


def control_ports() -> list[Port]:
    """s_axi_ctrl, an AXI4-Lite slave of 32-bit words."""
    p = "s_axi_ctrl_"
    return [
        *_channel(f"{p}aw", False, addr=CONTROL_BITS, prot=3),
        *_channel(f"{p}w", False, data=32, strb=4),
        *_channel(f"{p}b", True, resp=2),
        *_channel(f"{p}ar", False, addr=CONTROL_BITS, prot=3),
        *_channel(f"{p}r", True, data=32, resp=2),
    ]


def memory_ports(name: str, beat: int, writes: bool) -> list[Port]:
    """An AXI4 master m_axi_NAME of so many bytes a beat."""
    p = f"m_axi_{name}_"
    found = [
        *_channel(f"{p}ar", True, **ADDRESS),
        *_channel(f"{p}r", False, id=ID_BITS, data=8 * beat, resp=2, last=None),
    ]
    if writes:
        found += [
            *_channel(f"{p}aw", True, **ADDRESS),
            *_channel(f"{p}w", True, data=8 * beat, strb=beat, last=None),
            *_channel(f"{p}b", False, id=ID_BITS, resp=2),
        ]
    return found
