// SPDX-License-Identifier: Apache-2.0
// dram_model: a memory with AXI4 slave ports, inside the simulation, that holds its masters to the rules.
//
// Ports  : PORTS of them, port 0 in the low bits; each of BYTES[8*p +: 8] bytes a beat, in the low lanes of DATA_W bits,
//          and with IDS[8*p +: 8] IDs from 0 on. Several bursts of each may be under way.
// Rate   : all ports together BEATS_NUM/BEATS_DEN beats of 64 bits a cycle, reads and writes alike, in turn;
//          +beats_num=N +beats_den=N in their place. BEATS_NUM = 0: as fast as each port can.
// Pauses : latencies and back-pressure on every channel, at random by +seed: see dram_pauses.sv.
// Errors : answered by plusargs: see dram_read_port.sv, dram_write_port.sv.
// Rules  : dram_pkg.sv. The first broken one ends the simulation with one line, `dram_model: port N, ...`; `rules` has a
//          code for each port's reads, its writes, and (the highest) for what overlaps: see dram_hazards.sv.
// Memory : +dram_loadN=FILE, N = 0 to 3, from byte +dram_load_atN=ADDRESS on (0); the rest is zero. Where `dump` rises:
//          +dram_dump_bytes=N bytes from +dram_dump_at=ADDRESS into +dram_dump=FILE.
// written: the beat that goes into the memory in this cycle, by port: for dram_write_check.sv.

`default_nettype none

module dram_model #(
  parameter int PORTS     = 1,
  parameter int DATA_W    = 64,
  parameter int ADDR_W    = 32,
  parameter int ID_W      = 1,
  parameter int MAX_BURST = 256,
  parameter int SIZE      = 65536,
  parameter int BEATS_NUM = 1,
  parameter int BEATS_DEN = 1,
  parameter logic [8*PORTS-1:0] BYTES = {PORTS{8'(DATA_W / 8)}},
  parameter logic [8*PORTS-1:0] IDS   = {PORTS{8'd1}}
) (
  input  wire logic                      clk,
  input  wire logic                      rst,
  input  wire logic                      dump,

  input  wire logic [PORTS*ID_W-1:0]     s_axi_arid,
  input  wire logic [PORTS*ADDR_W-1:0]   s_axi_araddr,
  input  wire logic [PORTS*8-1:0]        s_axi_arlen,
  input  wire logic [PORTS*3-1:0]        s_axi_arsize,
  input  wire logic [PORTS*2-1:0]        s_axi_arburst,
  input  wire logic [PORTS-1:0]          s_axi_arvalid,
  output      logic [PORTS-1:0]          s_axi_arready,
  output      logic [PORTS*ID_W-1:0]     s_axi_rid,
  output      logic [PORTS*DATA_W-1:0]   s_axi_rdata,
  output      logic [PORTS*2-1:0]        s_axi_rresp,
  output      logic [PORTS-1:0]          s_axi_rlast,
  output      logic [PORTS-1:0]          s_axi_rvalid,
  input  wire logic [PORTS-1:0]          s_axi_rready,
  input  wire logic [PORTS*ID_W-1:0]     s_axi_awid,
  input  wire logic [PORTS*ADDR_W-1:0]   s_axi_awaddr,
  input  wire logic [PORTS*8-1:0]        s_axi_awlen,
  input  wire logic [PORTS*3-1:0]        s_axi_awsize,
  input  wire logic [PORTS*2-1:0]        s_axi_awburst,
  input  wire logic [PORTS-1:0]          s_axi_awvalid,
  output      logic [PORTS-1:0]          s_axi_awready,
  input  wire logic [PORTS*DATA_W-1:0]   s_axi_wdata,
  input  wire logic [PORTS*DATA_W/8-1:0] s_axi_wstrb,
  input  wire logic [PORTS-1:0]          s_axi_wlast,
  input  wire logic [PORTS-1:0]          s_axi_wvalid,
  output      logic [PORTS-1:0]          s_axi_wready,
  output      logic [PORTS*ID_W-1:0]     s_axi_bid,
  output      logic [PORTS*2-1:0]        s_axi_bresp,
  output      logic [PORTS-1:0]          s_axi_bvalid,
  input  wire logic [PORTS-1:0]          s_axi_bready,

  output      logic [PORTS-1:0]          written,
  output      logic [PORTS*ADDR_W-1:0]   written_addr,
  output      logic [PORTS*DATA_W-1:0]   written_data,
  output      logic [PORTS*DATA_W/8-1:0] written_strobes,
  output      logic [8*(2*PORTS+1)-1:0]  rules
);

  logic [7:0] mem [SIZE];

  // ---- bandwidth: a beat costs its bytes times BEATS_DEN; 2*p are reads, 2*p + 1 writes of port p
  localparam int MASTERS = 2 * PORTS;

  logic [MASTERS-1:0] want, granted;
  int                 num, den, tokens_q, tokens, turn_q, master, cost, most;

  initial begin
    if (!$value$plusargs("beats_num=%d", num)) num = BEATS_NUM;
    if (!$value$plusargs("beats_den=%d", den)) den = BEATS_DEN;
  end

  always_comb begin
    granted = '0;
    tokens  = tokens_q;
    most    = 0;
    for (int i = 0; i < MASTERS; i++) begin
      master = (i + turn_q) % MASTERS;
      cost   = num == 0 ? 0 : int'(BYTES[8*(master/2) +: 8]) * den;
      if (cost > most) most = cost;
      if (want[master] && tokens >= cost) begin
        granted[master] = 1'b1;
        tokens = tokens - cost;
      end
    end
  end

  always_ff @(posedge clk) begin
    turn_q   <= (turn_q + 1) % MASTERS;
    tokens_q <= tokens + 8*num > most + 8*num - 1 ? most + 8*num - 1 : tokens + 8*num;  // no saving for later
    if (rst) begin
      turn_q   <= 0;
      tokens_q <= 0;
    end
  end

  // ---- ports
  logic [PORTS-1:0]        ar_begun, r_ended, aw_begun, b_ended;
  logic [PORTS*ADDR_W-1:0] r_ended_addr, b_ended_addr;
  logic [PORTS*8-1:0]      r_ended_len, b_ended_len;

  for (genvar p = 0; p < PORTS; p++) begin : g_port
    localparam int B = int'(BYTES[8*p +: 8]);

    logic [ADDR_W-1:0] read_addr, write_addr;
    logic [8*B-1:0]    read_data, rdata, write_data;
    logic [B-1:0]      strobes;

    dram_read_port #(
      .PORT(p), .DATA_W(8*B), .ADDR_W(ADDR_W), .ID_W(ID_W), .IDS(int'(IDS[8*p +: 8])), .MAX_BURST(MAX_BURST), .SIZE(SIZE)
    ) u_read (
      .clk, .rst,
      .arid(s_axi_arid[ID_W*p +: ID_W]), .araddr(s_axi_araddr[ADDR_W*p +: ADDR_W]), .arlen(s_axi_arlen[8*p +: 8]),
      .arsize(s_axi_arsize[3*p +: 3]), .arburst(s_axi_arburst[2*p +: 2]),
      .arvalid(s_axi_arvalid[p]), .arready(s_axi_arready[p]),
      .rid(s_axi_rid[ID_W*p +: ID_W]), .rdata(rdata), .rresp(s_axi_rresp[2*p +: 2]), .rlast(s_axi_rlast[p]),
      .rvalid(s_axi_rvalid[p]), .rready(s_axi_rready[p]),
      .want(want[2*p]), .addr(read_addr), .granted(granted[2*p]), .data(read_data),
      .begun(ar_begun[p]), .ended(r_ended[p]), .ended_addr(r_ended_addr[ADDR_W*p +: ADDR_W]),
      .ended_len(r_ended_len[8*p +: 8]), .rule(rules[16*p +: 8])
    );

    dram_write_port #(
      .PORT(p), .DATA_W(8*B), .ADDR_W(ADDR_W), .ID_W(ID_W), .IDS(int'(IDS[8*p +: 8])), .MAX_BURST(MAX_BURST), .SIZE(SIZE)
    ) u_write (
      .clk, .rst,
      .awid(s_axi_awid[ID_W*p +: ID_W]), .awaddr(s_axi_awaddr[ADDR_W*p +: ADDR_W]), .awlen(s_axi_awlen[8*p +: 8]),
      .awsize(s_axi_awsize[3*p +: 3]), .awburst(s_axi_awburst[2*p +: 2]),
      .awvalid(s_axi_awvalid[p]), .awready(s_axi_awready[p]),
      .wdata(s_axi_wdata[DATA_W*p +: 8*B]), .wstrb(s_axi_wstrb[DATA_W/8*p +: B]), .wlast(s_axi_wlast[p]),
      .wvalid(s_axi_wvalid[p]), .wready(s_axi_wready[p]),
      .bid(s_axi_bid[ID_W*p +: ID_W]), .bresp(s_axi_bresp[2*p +: 2]), .bvalid(s_axi_bvalid[p]), .bready(s_axi_bready[p]),
      .want(want[2*p + 1]), .addr(write_addr), .data(write_data), .strobes(strobes), .granted(granted[2*p + 1]),
      .begun(aw_begun[p]), .ended(b_ended[p]), .ended_addr(b_ended_addr[ADDR_W*p +: ADDR_W]),
      .ended_len(b_ended_len[8*p +: 8]), .rule(rules[16*p + 8 +: 8])
    );

    assign s_axi_rdata[DATA_W*p +: DATA_W]         = DATA_W'(rdata);
    assign written[p]                              = granted[2*p + 1];
    assign written_addr[ADDR_W*p +: ADDR_W]        = write_addr;
    assign written_data[DATA_W*p +: DATA_W]        = DATA_W'(write_data);
    assign written_strobes[DATA_W/8*p +: DATA_W/8] = (DATA_W/8)'(strobes);

    always_comb for (int b = 0; b < B; b++) read_data[8*b +: 8] = mem[(int'(read_addr) + b) % SIZE];
  end

  int at;

  always_ff @(posedge clk) begin
    for (int p = 0; p < PORTS; p++) begin
      at = int'(written_addr[ADDR_W*p +: ADDR_W]);
      for (int b = 0; b < DATA_W/8; b++) begin
        if (written[p] && written_strobes[DATA_W/8*p + b] && at + b < SIZE) begin
          mem[at + b] <= written_data[DATA_W*p + 8*b +: 8];
        end
      end
    end
  end

  dram_hazards #(.PORTS(PORTS), .ADDR_W(ADDR_W), .SIZE(SIZE), .BYTES(BYTES)) u_hazards (
    .clk, .rst,
    .read_begun(ar_begun), .read_addr(s_axi_araddr), .read_len(s_axi_arlen),
    .read_ended(r_ended), .read_ended_addr(r_ended_addr), .read_ended_len(r_ended_len),
    .write_begun(aw_begun), .write_addr(s_axi_awaddr), .write_len(s_axi_awlen),
    .write_ended(b_ended), .write_ended_addr(b_ended_addr), .write_ended_len(b_ended_len),
    .rule(rules[16*PORTS +: 8])
  );

  // ---- contents
  string name;
  int    file, from, bytes;
  logic  dumped_q;

  task automatic load(input int number);
    string path;
    int    source, first, got;
    if ($value$plusargs({"dram_load", 8'("0") + 8'(number), "=%s"}, path)) begin
      if (!$value$plusargs({"dram_load_at", 8'("0") + 8'(number), "=%d"}, first)) first = 0;
      source = $fopen(path, "rb");
      if (source == 0) $fatal(1, "dram_model: cannot open %s", path);
      got = $fread(mem, source, first);
      if (got == 0) $fatal(1, "dram_model: nothing was read from %s", path);
      $fclose(source);
    end
  endtask

  initial for (int i = 0; i < 4; i++) load(i);

  always_ff @(posedge clk) begin
    dumped_q <= dump;
    if (dump && !dumped_q) begin
      if (!$value$plusargs("dram_dump=%s", name)) $fatal(1, "dram_model: needs +dram_dump=FILE");
      if (!$value$plusargs("dram_dump_at=%d", from)) from = 0;
      if (!$value$plusargs("dram_dump_bytes=%d", bytes)) bytes = SIZE;
      file = $fopen(name, "wb");
      if (file == 0) $fatal(1, "dram_model: cannot open %s", name);
      for (int i = from; i < from + bytes; i++) $fwrite(file, "%c", mem[i]);
      $fclose(file);
    end
  end

endmodule

`default_nettype wire
