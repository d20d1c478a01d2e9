"""The units of a board's wrapper: bytes to pixels to the network's input, results, runs, registers."""

from __future__ import annotations

from pathlib import Path

from units import Fault, Trials, check_all


def byte_lanes() -> Trials:
    shapes = ((1, 1), (4, 1), (4, 3), (4, 4), (8, 3), (2, 5))
    cases = {f"b{b}l{n}": {"BYTES": b, "LANES": n, "PAD": False} for b, n in shapes}
    cases |= {f"b{b}l4pad": {"BYTES": b, "LANES": 4, "PAD": True} for b in (1, 3, 4, 6)}
    faults = {
        "order": Fault("b4l3", "data_d[8*i +: 8*BYTES]", "data_d[8*(DEPTH - BYTES - i) +: 8*BYTES]"),
        "overruns": Fault("b4l3", "count_q <= COUNT_W'(DEPTH - BYTES)", "1'b1"),
        "mixes_packets": Fault("b4l3", "!last_q && count_q", "count_q"),
        "early_last": Fault("b4l3", "last_q && count_q < COUNT_W'(2*LANES)", "last_q"),
        "keeps_noise": Fault("b4l3", "take ? rest + kept", "take ? rest + COUNT_W'(BYTES)"),
        "no_gaps": Fault("b4l3", "(s_axis_tkeep & (s_axis_tkeep + 1'b1)) != '0 ||", ""),
        "no_empty": Fault("b4l3", "|| !s_axis_tkeep[0] :", ":"),
        "no_short_beats": Fault("b4l3", ": !(&s_axis_tkeep)", ": 1'b0"),
        "no_ragged": Fault("b4l3", "if (rest != '0) error", "if (1'b0) error"),
        "leftover": Fault("b4l3", "      count_q <= '0;\n      if (rest", "      if (rest"),
        "padded_with_noise": Fault("b3l4pad", "count_q > COUNT_W'(i) ?", "1'b1 ?"),
        "drops_the_rest": Fault("b3l4pad", "|| PAD && last_q && count_q != '0", ""),
        "late_last": Fault("b6l4pad", "PAD ? count_q <= COUNT_W'(LANES)", "PAD ? count_q < COUNT_W'(LANES)"),
        "wraps": Fault("b3l4pad", "PAD && count_q < COUNT_W'(LANES) ? '0 :", ""),
        "slow": Fault("b4l4", "count_q <= COUNT_W'(DEPTH - BYTES)", "count_q == '0", stalls="flowing"),
        "changes": Fault("b4l1", "emit ? data_q >> 8*LANES", "m_axis_tvalid ? data_q >> 8*LANES",
                         "a beat did not stay until it was taken"),
    }  # fmt: skip
    return Trials(cases, faults)


def pixel_table() -> Trials:
    cases = {f"l{n}w{bits}": {"LANES": n, "Y_W": bits} for n, bits in ((1, 8), (3, 8), (4, 5))}
    faults = {
        "runs_on": Fault("l3w8", "s_axis_tready = !valid_q || ready", "s_axis_tready = 1'b1"),
        "half": Fault("l3w8", "= !valid_q || ready", "= !valid_q", stalls="flowing"),
        "bit": Fault("l3w8", "last_q  <= s_axis_tlast", "last_q  <= 1'b0"),
    }  # fmt: skip
    return Trials(cases, faults)


def top_k() -> Trials:
    shapes = ((1, 1, True, 32), (10, 1, True, 32), (10, 3, False, 20), (7, 7, True, 4), (5, 2, True, 1))
    cases = {
        f"c{c}k{k}w{bits}": {"CLASSES": c, "K": k, "LOGITS": logits, "X_W": bits}
        for c, k, logits, bits in shapes
    }
    faults = {
        "equals": Fault("c7k7w4", "$signed(s_axis_tdata) > $signed", "$signed(s_axis_tdata) >= $signed"),
        "unsigned": Fault("c7k7w4", "$signed(s_axis_tdata) > $signed(", "s_axis_tdata > ("),
        "free": Fault("c7k7w4", "above[j] = !full_q[j] || ", "above[j] = "),
        "extended": Fault("c7k7w4", "32'($signed(s_axis_tdata))", "32'(s_axis_tdata)"),
        "kept": Fault("c7k7w4", "if (rst || emit && last_word) full_q", "if (rst) full_q"),
        "shifts": Fault("c7k7w4", "index = above[j-1] ? classes_q[CLASS_W*(j-1) +: CLASS_W] : class_q",
                        "index = class_q"),
        "interrupted": Fault("c10k3w20", "s_axis_tready = !sending_q && ready", "s_axis_tready = ready"),
        "no_last": Fault("c10k1w32", "{sending_q && last_word, word}", "{last_word, word}"),
    }  # fmt: skip
    return Trials(cases, faults)


def stream_run() -> Trials:
    cases = {f"p{pixels}": {"PIXELS": pixels, "IN_W": 8, "OUT_W": 32} for pixels in (1, 2, 7)}
    package = "rvg_stream_registers_pkg::ERROR_"
    faults = {
        "one_frame": Fault("p7", "s_axis_result_tlast && out_q == 32'd1;", "s_axis_result_tlast;"),
        "endless": Fault("p7", "run_q && in_q != '0", "run_q"),
        "open": Fault("p7", "open     = run_q &&", "open     ="),
        "none": Fault("p7", "|| out_q == '0 ||", "||"),
        "short": Fault("p7", "if (pixel && s_axis_pixel_tlast && !frame_in)", "if (1'b0)"),
        "long": Fault("p7", "if (frame_in && !s_axis_pixel_tlast && in_q == 32'd1)", "if (1'b0)"),
        "too_strict": Fault("p7", "if (frame_in && !s_axis_pixel_tlast && in_q == 32'd1)",
                            "if (frame_in && !s_axis_pixel_tlast)"),
        "deaf": Fault("p7", f"if (stop)                                               error = {package}ABORT",
                      f"if (1'b0) error = {package}ABORT"),
        "blind": Fault("p7", "if (bad_bytes) ", "if (1'b0) "),
        "asleep": Fault("p7", "still_q == watchdog", "1'b0"),
        "impatient": Fault("p7", "pixel || taken ? '0", "pixel ? '0"),
        "not_counted_anew": Fault("p7", "      pixel_q <= '0;\n", ""),
        "not_clean": Fault("p7", "core_rst = !run_q", "core_rst = rst"),
        "withdraws": Fault("p7", "rvg_stream_reg #(.WIDTH(OUT_W + 1)) u_result (\n    .clk, .rst,",
                           "rvg_stream_reg #(.WIDTH(OUT_W + 1)) u_result (\n    .clk, .rst(core_rst),"),
        "early": Fault("p7", "else if (!m_axis_result_tvalid) begin", "else begin"),
    }  # fmt: skip
    return Trials(cases, faults)


def registers() -> Trials:
    names = ("ADDR_W", "NETWORK", "FRAME_BYTES", "RESULT_BYTES", "TOP", "LOGITS")
    small = dict(zip(names, (6, 0x12345678, 3072, 44, 1, 10), strict=True))
    page = dict(zip(names, (12, 9, 7, 20, 5, 0), strict=True))
    package = "rvg_stream_registers_pkg::ERROR_"
    faults = {
        "strobes": Fault("small", "frames   <= frames & ~mask | ones", "frames   <= wr_data"),
        "read_only": Fault("small", "control || status || enable;", "1'b1;"),
        "not_locked": Fault("small", "if (wr_en && !busy_q && of_frames)", "if (wr_en && of_frames)"),
        "restarts": Fault("small", "start    <= starts && !busy_q", "start    <= starts"),
        "silent_busy": Fault("small", f"error_q <= {package}BUSY;", ";"),
        "lost_code": Fault("small", f"if (code != {package}NONE) error_q", "if (1'b0) error_q"),
        "overwritten": Fault("small", f"if (code != {package}NONE) error_q", "error_q"),
        "aborts_nothing": Fault("small", "CONTROL_ABORT] && busy_q", "CONTROL_ABORT]"),
        "clears_all": Fault("small", "if (ones[rvg_stream_registers_pkg::STATUS_INTERRUPT])", "if (1'b1)"),
        "not_enabled": Fault("small", "pending_q && enable_q", "pending_q"),
        "runs_on": Fault("small", "cycles_q + 64'(busy_q)", "cycles_q + 64'd1"),
        "of_both_runs": Fault("small", "      frames_done_q <= '0;\n    end\n    if (done)",
                              "    end\n    if (done)"),
        "other_result": Fault("page", "RESULT_TOP +: 8]     = 8'(TOP)", "RESULT_TOP +: 8]     = 8'(LOGITS)"),
    }  # fmt: skip
    return Trials({"small": small, "page": page}, faults)


def uart_tx() -> Trials:
    faults = {
        "long": Fault("c9", "(CLOCKS - 1);\n      bits_q", "(CLOCKS);\n      bits_q"),
        "no_stop": Fault("c9", "bits_q  <= 4'd10", "bits_q  <= 4'd9", stalls="flowing"),
        "inverted": Fault("c9", "{1'b1, s_axis_tdata}", "{1'b1, ~s_axis_tdata}"),
    }  # fmt: skip
    return Trials({f"c{clocks}": {"CLOCKS": clocks} for clocks in (8, 9, 20)}, faults)


def uart_rx() -> Trials:
    faults = {
        "late": Fault("c20", "COUNT_W'(CLOCKS / 2 - 1)", "COUNT_W'(CLOCKS - 1)"),
        "glitch": Fault("c20", "busy_q <= !line_q[1];", "busy_q <= 1'b1;"),
        "no_stop": Fault("c20", "valid  <= line_q[1];", "valid  <= 1'b1;"),
        "order": Fault("c20", "data <= {line_q[1], data[7:1]}", "data <= {data[6:0], line_q[1]}"),
        "fast": Fault("c20", "count_q <= COUNT_W'(CLOCKS - 1)", "count_q <= COUNT_W'(CLOCKS - 3)"),
    }
    return Trials({f"c{clocks}": {"CLOCKS": clocks} for clocks in (8, 20)}, faults)


def uart_host() -> Trials:
    cases = {f"f{size}": {"NETWORK": 0x1A2B3C4D, "FRAME_BYTES": size, "SILENCE": 40} for size in (1, 2, 5)}
    faults = {
        "order": Fault("f5", "word_q <= word_q >> 8", "word_q <= word_q << 8"),
        "early": Fault("f5", "bytes_q == BYTE_W'(FRAME_BYTES - 1)", "bytes_q == BYTE_W'(FRAME_BYTES - 2)"),
        "not_anew": Fault("f5", "bytes_q   <= '0;\n      silence_q", "silence_q"),
        "interrupts": Fault("f5", "rx_valid && !running_q && left_q", "rx_valid && left_q"),
        "patient": Fault("f5", "stop     <= 1'b1;", "stop     <= 1'b0;"),
        "stubborn": Fault("f5", "      running_q <= 1'b0;\n      if (code", "      if (code"),
        "silent_loss": Fault("f5", "overrun <= 1'b1", "overrun <= 1'b0"),
        "overtakes": Fault("f5", "s_axis_result_tready = left_q == '0", "s_axis_result_tready = 1'b1"),
        "talks_early": Fault("f5", "left_q == '0 && !frame_q", "left_q == '0"),
        "sends_the_rest": Fault("f5", "left_q <= forget_q ? 3'd0 : 3'd4", "left_q <= 3'd4"),
        "forgets_all": Fault("f5", "      forget_q  <= 1'b0;\n", ""),
    }
    return Trials(cases, faults)


def test_serial_units(tmp_path: Path) -> None:
    units = {"rvg_uart_tx": uart_tx(), "rvg_uart_rx": uart_rx(), "rvg_uart_host": uart_host()}
    check_all(tmp_path, units)


def test_units(tmp_path: Path) -> None:
    check_all(
        tmp_path,
        {
            "rvg_byte_lanes": byte_lanes(),
            "rvg_pixel_table": pixel_table(),
            "rvg_top_k": top_k(),
            "rvg_stream_run": stream_run(),
            "rvg_stream_registers": registers(),
        },
    )
