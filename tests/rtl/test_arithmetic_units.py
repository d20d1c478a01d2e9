"""Products, sums, requantization, the global sum and the linear layer, each against golden or NumPy."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all

from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.timing import lanes_out
from repvgg_hw.targets.verilog import netlist
from repvgg_hw.targets.verilog.netlist import Stream


def dot_product() -> Trials:
    cases = {
        f"n{n}{'s' if signed else 'u'}": {"N": n, "X_W": 8, "X_SIGNED": signed, "W_W": 8, "SUM_W": 26}
        for n, signed in (
            (1, False),
            (2, True),
            (3, True),
            (8, False),
            (9, True),
            (11, True),
            (27, False),
            (65, False),
        )
    }
    cases["wide"] = {"N": 5, "X_W": 14, "X_SIGNED": True, "W_W": 16, "SUM_W": 33}
    faults = {
        "unsigned": Fault("n9s", "X_SIGNED ? X_W : X_W + 1", "X_W + 1"),
        "late": Fault("n9s", "if (en[i-1])", "if (en[i])", module="rvg_product_chain"),
        "stale": Fault("n9s", "if (en[i+1]) m_q", "if (en[i]) m_q", module="rvg_product_chain"),
        "alone": Fault(
            "n27u", "OWN_W'(g_product[i-1].p_q) + OWN_W'(m_q)", "OWN_W'(m_q)", module="rvg_product_chain"
        ),
    }
    return Trials(cases, faults)


def multiply() -> Trials:
    cases = {
        f"a{a}b{b}p{p}": {"A_W": a, "B_W": b, "P_W": p}
        for a, b, p in ((9, 8, 16), (8, 8, 16), (16, 18, 30), (25, 18, 43), (12, 27, 20), (30, 20, 40))
    }
    faults = {
        "late": Fault("a9b8p16", "if (en[2]) p ", "if (en[1]) p "),
        "kept": Fault("a8b8p16", "if (en[0]) begin", "if (en[0] && b[0]) begin"),
    }
    return Trials(cases, faults)


def dot_accumulate() -> Trials:
    shapes = {  # N, X_W, signed, W_W, SUM_W
        "one": (1, 11, True, 14, 25),
        "one_unsigned": (1, 8, False, 8, 24),
        "one_wide": (1, 30, False, 20, 48),
        "two": (2, 11, True, 14, 20),
        "several": (12, 8, False, 4, 20),
        "wide": (7, 20, True, 20, 44),
    }
    cases = {
        name: {"N": n, "X_W": x, "X_SIGNED": signed, "W_W": w, "SUM_W": bits}
        for name, (n, x, signed, w, bits) in shapes.items()
    }
    one, wide = "rvg_multiply_accumulate", "rvg_product_tree"
    faults = {
        "not_cleared": Fault("several", "(first ? '0 : sum) + products", "sum + products"),
        "one_not_cleared": Fault("one", "(first ? '0 : sum) + SUM_W'(m_q)", "sum + SUM_W'(m_q)", module=one),
        "wide_not_cleared": Fault(
            "one_wide", "(first ? '0 : sum) + SUM_W'(product)", "sum + SUM_W'(product)", module=one
        ),
        "early": Fault("wide", "- STAGES - LEVELS;", "- STAGES - LEVELS - 1;", module=wide),
        "stale": Fault("one", "if (en[2]) m_q", "if (en[1]) m_q", module=one),
    }
    return Trials(cases, faults)


def product_add() -> Trials:
    """Sums as wide as products, wider and narrower, of as many as meet the addend first or last."""
    shapes = {"n1": (1, 24, 16, 34), "n2": (2, 14, 14, 30), "n3": (3, 18, 14, 34), "n4": (4, 9, 8, 20)}
    shapes |= {"n5": (5, 9, 8, 12), "n9": (9, 16, 25, 48)}
    cases = {name: {"N": n, "A_W": a, "B_W": b, "SUM_W": bits} for name, (n, a, b, bits) in shapes.items()}
    faults = {
        "not_cleared": Fault("n1", "clear ? '0 : c", "c"),
        "late": Fault("n2", "if (en[AT]) c_q", "if (en[AT+1]) c_q"),
        "twice": Fault("n3", "AT == i + 1 ? c_q", "AT >= i ? c_q"),
        "narrow": Fault("n9", "A_W + B_W : SUM_W", "A_W + B_W - 1 : SUM_W"),
    }
    return Trials(cases, faults)


def pair_accumulate() -> Trials:
    shapes = {  # N, X_W, signed, W_W, SUM_W
        "chains": (9, 8, False, 8, 24),
        "one_chain": (9, 8, True, 8, 24),
        "full": (8, 8, False, 8, 26),
        "uneven": (19, 8, False, 8, 28),
        "wrapped": (27, 8, False, 8, 18),
        "nibbles": (18, 4, False, 4, 16),
    }
    cases = {
        name: {"N": n, "X_W": x, "X_SIGNED": signed, "W_W": w, "SUM_W": bits}
        for name, (n, x, signed, w, bits) in shapes.items()
    }
    faults = {
        "borrowed": Fault("full", "^ (FIELD'(1) << (FIELD - 1))", ""),
        "starts_at_zero": Fault("chains", ".START(1 << (FIELD - 1))", ".START(0)"),
        "half_a_sign": Fault("chains", "{(FIELD-W_W){w_q[W_W*i + W_W-1]}}", "{(FIELD-W_W){1'b0}}"),
        "out_of_step": Fault("uneven", "c < REST ? c : REST", "c"),
        "not_cleared": Fault("one_chain", "(first ? '0 : sum_q) + products", "sum_q + products"),
    }
    return Trials(cases, faults)


def adder_tree() -> Trials:
    cases = {f"n{n}": {"N": n, "TERM_W": 9, "W": 12} for n in (2, 3, 8, 9, 64, 65)}
    faults = {
        "lost": Fault("n9", "2*j + 1 < terms_at(l-1)", "2*j + 2 < terms_at(l-1)"),
        "narrow": Fault("n9", "? TERM_W + level : W", "? TERM_W : W"),
    }
    return Trials(cases, faults)


def issue() -> Trials:
    shapes = {  # WORDS, SPACING, ADDRS, LATENCY
        "parallel": (1, 1, 3, 2),
        "serial": (6, 1, 12, 3),
        "spaced": (2, 5, 4, 2),
        "nearly_spaced": (4, 5, 4, 4),
        "apart_by_itself": (7, 5, 7, 2),
    }
    cases = {
        name: {"WORD_W": 12, "WORDS": words, "SPACING": spacing, "ADDRS": addrs, "LATENCY": latency,
               "COPIES": 1 + number}
        for number, (name, (words, spacing, addrs, latency)) in enumerate(shapes.items())
    }  # fmt: skip
    faults = {
        "no_room": Fault("serial", "(!first_q || start_ok)", "1'b1"),
        "too_close": Fault("spaced", "(!last_q || apart_q)", "1'b1"),
        "lost": Fault(
            "serial", "{alive_q[LATENCY-2:0], accept}", "{alive_q[LATENCY-2:0], accept && !last_q}"
        ),
        "a_word_short": Fault("serial", "WORDS - 2", "WORDS - 3"),
        "one_copy": Fault("serial", "{N{d}}", "N'(d)", module="rvg_copies"),
        "too_early": Fault("spaced", "gap_q <= GAP_W'(SPACING > 1)", "gap_q <= GAP_W'(2)"),
        "twice": Fault("serial", "word_q + 1'b1", "word_q + COUNT_W'(s_axis_tdata[0])"),
        "out_of_step": Fault("serial", "ADDR_W'(ADDRS - 1) ? '0", "ADDR_W'(ADDRS - 2) ? '0"),
    }
    return Trials(cases, faults)


def mac_array() -> Trials:
    shapes = {  # N, PO, WORDS, ADDRS, signed
        "one": (9, 1, 1, 1, False),
        "parallel": (9, 4, 1, 3, True),
        "narrow": (9, 4, 2, 6, False),
        "serial": (18, 6, 6, 12, False),
        "linear": (1, 3, 4, 8, False),
    }
    cases = {
        name: {
            "N": n, "PO": po, "WORDS": words, "ADDRS": addrs, "OUT_LANES": lanes_out(po, words), "X_W": 8,
            "X_SIGNED": signed, "W_W": 8, "ACC_W": 24,
        }
        for name, (n, po, words, addrs, signed) in shapes.items()
    }  # fmt: skip
    for name, base, po in (("paired", "narrow", 4), ("odd", "serial", 3), ("paired_signed", "parallel", 2)):
        lanes = lanes_out(po, int(cases[base]["WORDS"]))
        cases[name] = cases[base] | {"PO": po, "OUT_LANES": lanes, "PACKED": True}
    faults = {
        "not_cleared": Fault(
            "serial", "(first ? '0 : sum) + products", "sum + products", module="rvg_dot_accumulate"
        ),
        "swapped": Fault("paired", "N*W_W*(2*p+1) +:", "N*W_W*2*p +:"),
        "lingers": Fault("narrow", "beat_q + 1'b1;", "beat_q + BEAT_W'(out_q[0]);", "before it had left"),
    }
    return Trials(cases, faults)


def requant_relu() -> Trials:
    cases = {
        "one": {"LANES": 1, "ADDRS": 1, "ACC_W": 24, "Y_W": 8},
        "lanes": {"LANES": 3, "ADDRS": 4, "ACC_W": 20, "Y_W": 8},
        "wide": {"LANES": 2, "ADDRS": 5, "ACC_W": 35, "Y_W": 8},  # as wide as two cells of ECP5 take
        "nibble": {"LANES": 4, "ADDRS": 2, "ACC_W": 24, "Y_W": 4},
    }
    faults = {
        "ties_go_down": Fault("lanes", "$signed({product_q, 1'b0})", "$signed({product_q - 1'b1, 1'b0})"),
        "no_clamp": Fault("lanes", "else if (|above_q || rounded[Y_W])", "else if (1'b0)"),
        "no_carry": Fault("lanes", "above_q || rounded[Y_W]", "above_q"),
        "few_bits": Fault("lanes", "(halves >>> (Y_W + 1)) != '0", "halves[Y_W+1]"),
    }
    return Trials(cases, faults)


def global_sum() -> Trials:
    shapes = ((1, 1, 1), (1, 5, 4), (3, 2, 49), (4, 1, 9), (2, 3, 1))
    cases = {
        f"l{lanes}w{words}p{pixels}": {
            "LANES": lanes, "WORDS": words, "PIXELS": pixels, "X_W": 8, "SUM_W": (pixels * 255).bit_length()
        }
        for lanes, words, pixels in shapes
    }  # fmt: skip
    faults = {
        "lost": Fault(
            "l1w5p4", "assign s_axis_tready = sum_ready;", "assign s_axis_tready = 1'b1;", stalls="choked"
        ),
        "twice": Fault("l3w2p49", "<= s_axis_tvalid && last_pixel;", "<= s_axis_tvalid && pixel_q[5];"),
        "late": Fault("l1w5p4", "sums[sum_word_q] <=", "sums[word_q] <="),
        "not_cleared": Fault("l3w2p49", "first_pixel ? '0 : sums", "1'b0 ? '0 : sums"),
        "not_cleared_one": Fault("l4w1p9", "first_q ? '0 : sum_q", "1'b0 ? '0 : sum_q"),
    }
    return Trials(cases, faults)


def linear() -> Trials:
    cases = {}
    for c_in, c_out, pi, po in (
        (1, 1, 1, 1),
        (8, 10, 1, 1),
        (8, 10, 8, 10),
        (12, 7, 3, 7),
        (6, 10, 6, 2),
        (5, 1, 1, 1),
    ):
        plan = LinearPlan(
            c_in=c_in, c_out=c_out, height=4, width=4, in_lanes=1, pi=pi, po=po, in_bits=8,
            weight_bits=8, acc_bits=32,
        )  # fmt: skip
        unit = netlist.linear_unit(plan, Stream("s_axis", pi, plan.sum_bits))
        cases[f"c{c_in}k{c_out}pi{pi}po{po}"] = unit.parameters
    faults = {
        "lost": Fault("c6k10pi6po2", ".m_axis_tready(fifo_tready)", ".m_axis_tready(1'b1)"),
        "wrong_last": Fault("c6k10pi6po2", "COUNT_W'(C_OUT - 1);", "COUNT_W'(C_OUT - 2);"),
        "last_changes": Fault("c6k10pi6po2", "if (m_axis_tvalid && m_axis_tready) index_q",
                              "if (m_axis_tvalid) index_q", "a beat did not stay until it was taken"),
    }  # fmt: skip
    return Trials(cases, faults)


def test_units(tmp_path: Path) -> None:
    """All in one simulator: a small unit costs less than a simulator of its own."""
    units = {
        "rvg_dot_product": dot_product(),
        "rvg_dot_accumulate": dot_accumulate(),
        "rvg_product_add": product_add(),
        "rvg_pair_accumulate": pair_accumulate(),
        "rvg_multiply": multiply(),
        "rvg_adder_tree": adder_tree(),
        "rvg_issue": issue(),
        "rvg_mac_array": mac_array(),
        "rvg_requant_relu": requant_relu(),
        "rvg_global_sum": global_sum(),
        "rvg_linear": linear(),
    }
    check_all(tmp_path, units)
