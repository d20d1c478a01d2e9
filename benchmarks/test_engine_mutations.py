"""Faults planted in a whole engine: the bench of its faults goes red where it should; of `make test-long`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from engine_faults import TESTS, emitted, found


@dataclass(frozen=True)
class Mutation:
    """One replacement in an emitted source.

    red  the test that must find it; any of them where empty
    """

    file: str
    old: str
    new: str
    red: str = ""


VALUES = "frames_back_to_back"  # has runs without any fault
MUTATIONS = {
    # what overlaps in a frame
    "sums' halves do not swap": Mutation(
        "rvg_engine_sequencer", "sums_half_q <= !sums_half_q;", "sums_half_q <= sums_half_q;", VALUES
    ),
    "sums are not cleared": Mutation(
        "rvg_product_add", "clear ? '0 : c", "c", VALUES
    ),
    "sums are overwritten before they are drained": Mutation(
        "rvg_engine_sequencer", "!sums_first || free_q != '0", "1'b1"
    ),
    "words are given back too early": Mutation(
        "rvg_engine_sequencer", "released  <= issue && set_last;", "released  <= issue;"
    ),
    "maps are loaded before they are stored": Mutation(
        "rvg_engine_loader", "stored_q <= depends == '0 ||", "stored_q <= 1'b1 ||"
    ),
    "pixels leave without room for them": Mutation(
        "rvg_engine_drain", "(!batch_begin || room_ok)", "(!batch_begin || 1'b1)"
    ),
    # how a run ends
    "any engine's image": Mutation(
        "rvg_engine_fetch", "!= ENGINE_ID)", "!= ENGINE_ID && 1'b0)", "images_that_are_none"
    ),
    "any instruction": Mutation(
        "rvg_engine_fetch", "else if (!legal)", "else if (1'b0)", "images_that_are_none"
    ),
    "no watchdog": Mutation(
        "rvg_engine_control", "watchdog != '0 && still_q", "1'b0 && still_q", "a_channel_that_stops"
    ),
    "units are not reset": Mutation(
        "rvg_engine_control", "rst || state_q == CLEAR", "rst", "aborts"
    ),
    "ports are not awaited": Mutation(
        "rvg_engine_control", "if (ports_idle && idle_q) begin", "if (1'b1) begin", "aborts"
    ),
    "errors of writes are not seen": Mutation(
        "rvg_axi_write", "m_axi_bresp != 2'b00", "1'b0", "error_responses_to_writes"
    ),
    "a run's registers are not locked": Mutation(
        "rvg_engine_registers", "if (wr_en && !busy_q && wr_offset", "if (wr_en && wr_offset",
        "start_and_writes_while_busy",
    ),
    "counts are lost at the end": Mutation(
        "rvg_engine_registers", "!clear && !done) beats_q", "!clear) beats_q", VALUES
    ),
    "frames are not counted": Mutation(
        "rvg_engine_control", "= advances && of_frame ==", "= advances && of_frame_q ==", VALUES
    ),
    # the linear layer beside the next frame
    "a run ends before its linear layer": Mutation(
        "rvg_engine_control", "issued == stored && !linear_busy", "issued == stored"
    ),
    "a linear layer begins before all is pooled": Mutation(
        "rvg_engine_store_order", "retire = waits && pools_q != '0", "retire = waits"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_goes_red(name: str, tmp_path: Path) -> None:
    mutation, design = MUTATIONS[name], emitted(tmp_path / "design")
    path = design.directory / "rtl" / f"{mutation.file}.sv"
    text = path.read_text()
    assert text.count(mutation.old) == 1, "the fault no longer fits"
    path.write_text(text.replace(mutation.old, mutation.new))
    outcome = found(design)
    red = [test for test in TESTS if outcome[test]]
    assert red, "nothing is red"
    assert not mutation.red or mutation.red in red, f"only {red} are red"
