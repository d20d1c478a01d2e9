"""Plans, results and reports as tables and lines of text: for print(), and for the commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from repvgg_hw.design import Design
from repvgg_hw.design.results import GATED, SimulationResult
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import registry
from repvgg_hw.plan.planner import LayerPlan, NetworkPlan
from repvgg_hw.plan.rate import fits, rate
from repvgg_hw.plan.request import Request
from repvgg_hw.report.provenance import lines as provenance_lines
from repvgg_hw.report.provenance import provenance
from repvgg_hw.report.summary import LayerRow, Summary

LEFT = "<"  # before a heading: a column of words, aligned left
PLANNED = ("<layer", "<algorithm", "PI", "PO", "multipliers", "cycles planned")
INTERVAL = "interval simulated"  # from frame to frame, as the slowest layer lets it
BRAM_BITS = 18 * 1024
NOTICEABLE = 0.1  # share of a budget


class Table(NamedTuple):
    """Rows of cells; a heading that begins with LEFT is of words, any other of numbers."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def plain(table: Table, lines: Iterable[str]) -> str:
    """A table and the lines below it, in ASCII."""
    names = [heading.removeprefix(LEFT) for heading in table.headings]
    widths = [max(map(len, column)) for column in zip(names, *table.rows, strict=True)]

    def drawn(cells: Sequence[str]) -> str:
        parts = (
            cell.ljust(width) if heading.startswith(LEFT) else cell.rjust(width)
            for cell, width, heading in zip(cells, widths, table.headings, strict=True)
        )
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([table.title, drawn(names), rule, *map(drawn, table.rows), *lines])


def plan_table(plan: NetworkPlan, place: str) -> Table:
    """What each layer is and takes."""
    rows = [(*_planned(layer), f"{layer.memory_bits:,}") for layer in plan.layers]
    return Table(f"{plan.name}: {place}", (*PLANNED, "memory bits"), rows)


def _planned(layer: LayerPlan | LayerRow) -> tuple[str, ...]:
    """The cells below PLANNED."""
    folding = (str(layer.pi), str(layer.po))
    return (layer.name, layer.algorithm, *folding, f"{layer.multipliers:,}", f"{layer.cycles:,}")


def plan_lines(plan: NetworkPlan, request: Request, why: str, network: IntegerNetwork) -> list[str]:
    """What it comes to."""
    lines = [
        f"frame interval {plan.frame_interval:,} cycles, {rate(plan, request)}; "
        f"{plan.multipliers:,} multipliers at {plan.utilization:.3f} MACs per cycle each, "
        f"and {plan.requant_multipliers} in requantization"
    ]
    lines += [line for line in (_unused(plan, request, network), fits(plan, request), why) if line]
    if request.device is None:
        blocks = -(-plan.memory_bits // BRAM_BITS)
        lines.append(
            f"memory: {plan.memory_bits:,} bits on chip, what {blocks:,} BRAMs of 18 kbit hold; "
            "`repvgg-hw devices` lists what chips have"
        )
    return [*lines, output_line(plan, network)]


def _unused(plan: NetworkPlan, request: Request, network: IntegerNetwork) -> str | None:
    """Why a noticeable part of a budget of multipliers is left; None where it is not."""
    budget = request.multipliers
    if budget is None or plan.multipliers > (1 - NOTICEABLE) * budget:
        return None
    faster = registry.get(request.architecture).faster(network, request, plan.frame_interval)
    if faster is None:
        return f"of the budget of {budget:,} multipliers some are left: no faster plan fits"
    multipliers, cycles = faster
    return (
        f"of the budget of {budget:,} multipliers some are left: the next faster plan takes {multipliers:,}, "
        f"for {cycles:,} cycles"
    )


def output_line(plan: NetworkPlan, network: IntegerNetwork) -> str:
    """What leaves the hardware, and what it means."""
    return f"output: {plan.output.summary}; a value is its integer times {network.output_scale:.6g}"


def result_table(design: Design[NetworkPlan], result: SimulationResult, counts: str) -> Table:
    """What was compared, layer by layer."""
    rows = [
        (
            layer.name,
            f"{layer.values:,}",
            f"{layer.planned_cycles:,}",
            "" if layer.interval is None else f"{layer.interval:,}",
            "yes" if layer.passed else "NO",
        )
        for layer in result.layers
    ]
    measured = INTERVAL if counts == "cycles" else f"{counts} simulated"
    headings = ("<layer", "values compared", "cycles planned", measured, "bit-exact")
    return Table(f"{design.plan.name}: {design.kind}, {result.images} images", headings, rows)


def result_lines(result: SimulationResult, counts: str) -> list[str]:
    """What else was found, without problems and verdict."""
    lines = []
    if result.frame_interval is not None:
        lines.append(
            f"frame interval {result.frame_interval:,} {counts}, planned {result.planned_interval:,}"
        )
    if result.top1_simulated is not None and result.top1_golden is not None:
        lines.append(
            f"top-1 of {result.images} images: golden {result.top1_golden:.2%}, "
            f"simulated {result.top1_simulated:.2%}"
        )
    if result.limits:
        lines.append(f"{'WARNING ' if result.limits_not_reached else ''}{result.limits_summary}")
    if result.reach_summary:
        lines.append(result.reach_summary)
    if result.clock_gating:
        lines.append(GATED)
    return [*lines, *result.notes]


def problem_lines(result: SimulationResult) -> list[str]:
    """What is wrong."""
    return [f"FAILED {problem}" for problem in result.problems]


def verdict_line(result: SimulationResult) -> str:
    """The verdict, and what it cost."""
    verdict = "every value of every layer is equal to golden" if result.passed else "NOT proven"
    return (
        f"{result.bit_exact} of {result.images} images bit-exact: {verdict} "
        f"(build {result.build_seconds:.0f} s, run {result.run_seconds:.0f} s)"
    )


def report_table(summary: Summary) -> Table:
    """What was planned for each layer and what was found."""
    rows = []
    for row in summary.rows:
        interval = "" if row.interval is None else f"{row.interval:,}"
        rows.append((*_planned(row), interval, f"{row.use:.1%}", row.verdict))
    title = f"{summary.design.plan.name}: {summary.design.kind}"
    return Table(title, (*PLANNED, INTERVAL, "use", "<result"), rows)


def report_lines(summary: Summary) -> list[str]:
    """Rate, price, provenance and verdict."""
    plan, request, result = summary.design.plan, summary.design.request, summary.result
    fitting = fits(plan, request)
    adders, registers = (sum(getattr(row, name) for row in summary.rows) for name in ("adders", "registers"))
    latency = f"{result.latency_cycles:,} cycles" if result and result.latency_cycles else "not simulated"
    return [
        f"frame interval {plan.frame_interval:,} cycles, {rate(plan, request)}; "
        f"{plan.multipliers:,} multipliers, {plan.utilization:.3f} MACs per multiplier and cycle",
        *([] if fitting is None else [fitting]),
        output_line(plan, summary.design.network),
        f"price: {plan.memory_bits:,} bits of memory, {registers:,} bits of data registers, "
        f"{adders:,} adders in Winograd's transforms; latency {latency}",
        *(f"{what}: {text}" for what, text in provenance_lines(provenance(summary.design))),
        *summary.quality.lines(),
        *([result.limits_summary] if result and result.limits else []),
        *([result.reach_summary] if result and result.reach_summary else []),
        summary.verdict,
        *summary.netlist_verdicts,
    ]
