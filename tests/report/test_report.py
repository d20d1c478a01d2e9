"""What the report says of a design: choices, alternatives, the price beside the gain."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from hls_networks import Layer, random_network

from repvgg_hw import design as designs
from repvgg_hw.cli.report import command
from repvgg_hw.design import Design
from repvgg_hw.plan.folding import product_bits
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.report import summarize


def saved_design(folder: Path) -> Design[Plan]:
    network, plan = random_network([Layer(4, pi=3, po=2), Layer(8, pi=2, po=2, m=4)], in_shape=(3, 8, 8))
    request = Request("verilog", plan.budget, algorithms=Algorithms((4,)))
    design = Design(folder, request, network, plan, {})
    folder.mkdir()
    designs.save(design)
    return design


def test_price_of_direct_and_winograd(tmp_path: Path) -> None:
    design = saved_design(tmp_path / "net")
    direct, winograd, linear = summarize(design).rows
    assert direct.adders == linear.adders == 0 < winograd.adders
    # 27 pixels of 8 bits, twice, and as many weights for each of 2 outputs; the products and their sums,
    # the accumulator and its copy
    width = design.plan.convs[0].acc_bits
    assert direct.registers == 27 * 2 * 8 + 2 * 27 * 8 + 2 * (product_bits(27, 8, 8, width) + 2 * width)
    unit = design.plan.convs[1]
    assert isinstance(unit, WinogradPlan)
    assert winograd.registers == sum(unit.registers.values())
    assert {"direct", "F(4)"} <= set(winograd.alternatives)


def test_sums_of_products_are_registered_after_each_addition() -> None:
    assert product_bits(1, 8, 8, 20) == 8 + 8 + 16 + 16
    assert product_bits(3, 8, 8, 17) == 3 * (8 + 8 + 16 + 16) + 2 * 17 + 17


def test_terminal_json_and_page(tmp_path: Path) -> None:
    folder = saved_design(tmp_path / "net").directory
    done = CliRunner().invoke(command, [str(folder), "--html", str(tmp_path / "page.html")])
    assert done.exit_code == 0, done.output
    assert "price: " in done.output
    assert "latency not simulated" in done.output
    page = (tmp_path / "page.html").read_text()
    assert "register bits" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    found = json.loads(CliRunner().invoke(command, [str(folder), "--json"]).output)
    assert {"adders", "registers", "memory_bits", "alternatives"} <= set(found["layers"][1])
