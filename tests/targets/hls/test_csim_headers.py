"""The headers for C simulation: what they compute, and that they throw where a bit is lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from repvgg_hw.files import templates_dir
from repvgg_hw.targets.hls.csim import WARNINGS, compiler

CSIM = templates_dir() / "hls" / "csim"

# Every line is one fact; the program prints those that do not hold.
HOLDS = """
  (ap_int<8>(-128) * ap_int<8>(-128)).to_int() == 16384
  (ap_int<8>(-128) * ap_uint<8>(255)).to_int() == -32640
  decltype(ap_int<8>(0) * ap_uint<8>(0))::width == 16
  decltype(ap_int<8>(0) + ap_uint<8>(0))::width == 10
  decltype(ap_uint<8>(0) - ap_uint<8>(0))::is_signed
  (ap_uint<8>(3) - ap_uint<8>(5)).to_int() == -2
  (ap_int<9>(-5) >> 1).to_int() == -3
  (ap_int<40>(3) << 30).to_int64() == 3221225472
  ap_int<8>(-1) < ap_uint<8>(0)
  ap_uint<64>(~0ull) > ap_int<64>(-1)
  (ap_int<60>(1ll << 58) * ap_int<60>(1ll << 58)) > ap_int<64>(0)
  (~ap_uint<5>(9)).to_int() == 22
  ap_uint<8>(200).range(7, 4).to_uint64() == 12
  put<100>(60, 8, 200) == 200
  put<200>(60, 8, 200) == 200
  put<200>(192, 8, 129) == 129
  reinterpreted(200) == -56
  ap_uint<8>() != 0
"""

THROWS = """
  ap_uint<8>(256)
  ap_uint<8>(-1)
  ap_int<8>(128)
  ap_int<8>(-129)
  ap_int<8>(ap_uint<8>(128))
  ap_uint<8>(ap_int<9>(-1))
  ap_uint<63>(~0ull)
  ap_uint<100>(ap_int<4>(-1))
  ap_uint<200>(-1)
  ap_int<8>(127) += 1
  ap_int<8>(64) << 1
  ap_uint<8>(1).range(8, 0)
  ap_uint<8>(1).range(3, 0) = ap_uint<5>(16)
  hls::stream<int>("empty").read()
"""

PROGRAM = """
#include <ap_int.h>
#include <hls_stream.h>
#include <cstdio>

template <int W>
static std::uint64_t put(int lo, int bits, int value) {
  ap_uint<W> word = 0;
  word.range(lo + bits - 1, lo) = ap_uint<8>(value);
  return word.range(lo + bits - 1, lo).to_uint64();
}
static int reinterpreted(int raw) {
  ap_int<8> number = 0;
  number.range(7, 0) = ap_uint<8>(raw);
  return number.to_int();
}
#define HOLDS(fact) if (!(fact)) std::puts("false: " #fact);
#define THROWS(statement) \\
  try { static_cast<void>(statement); std::puts("silent: " #statement); } catch (const std::exception &) {}

int main() {
%s
}
"""


def build(folder: Path, source: str, *flags: str) -> Path:
    """Compile one C++ program against the headers."""
    path, program = folder / "test.cpp", folder / "test.out"
    path.write_text(source)
    subprocess.run(
        [compiler(), "-std=c++14", *WARNINGS, "-Werror", *flags, f"-I{CSIM}", str(path), "-o", str(program)],
        check=True,
    )
    return program


def test_numbers_and_streams(tmp_path: Path) -> None:
    """Values and widths are the vendor's; every lost bit and every missing beat throws."""
    facts = [f"HOLDS(({line.strip()}))" for line in HOLDS.strip().splitlines()]
    faults = [f"THROWS({line.strip()})" for line in THROWS.strip().splitlines()]
    program = build(
        tmp_path, PROGRAM % "\n".join(facts + faults), "-fsanitize=undefined", "-fno-sanitize-recover=all"
    )
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("beats", "status"), [(0, 0), (1, 1)], ids=["a drained stream", "a beat that nobody reads"]
)
def test_leftover_beats_end_the_program(tmp_path: Path, beats: int, status: int) -> None:
    """A stream that dies with beats in it is a fault, which a destructor can only report by ending."""
    source = """
#include <hls_stream.h>
int main() { hls::stream<int> s("s"); for (int i = 0; i < %d; ++i) s.write(i); }
"""
    done = subprocess.run([str(build(tmp_path, source % beats))], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert ("1 beats were never read" in done.stderr) == (status == 1)
