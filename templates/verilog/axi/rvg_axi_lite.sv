// SPDX-License-Identifier: Apache-2.0
// rvg_axi_lite: an AXI4-Lite slave of 32-bit words, its registers outside.
//
// Golden : AMBA AXI protocol specification (IHI 0022), AXI4-Lite
// Write  : an address and data come in any order, each waits here for the other; then one cycle of wr_en with wr_addr,
//          wr_data and wr_strb, in which wr_ok says whether the answer is OKAY or SLVERR.
// Read   : rd_addr; in the same cycle rd_data, and rd_ok as for writes.
// Rate   : a write and a read every second cycle.  Latency: 2 cycles from an address (and data) to the answer.
// Not here: AWPROT, ARPROT; the two low bits of an address: accesses are to whole words.

`default_nettype none

module rvg_axi_lite #(
  parameter int ADDR_W = 8,
  localparam int WORD_W = ADDR_W - 2
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [ADDR_W-1:0] s_axil_awaddr,
  input  wire logic              s_axil_awvalid,
  output      logic              s_axil_awready,
  input  wire logic [31:0]       s_axil_wdata,
  input  wire logic [3:0]        s_axil_wstrb,
  input  wire logic              s_axil_wvalid,
  output      logic              s_axil_wready,
  output      logic [1:0]        s_axil_bresp,
  output      logic              s_axil_bvalid,
  input  wire logic              s_axil_bready,
  input  wire logic [ADDR_W-1:0] s_axil_araddr,
  input  wire logic              s_axil_arvalid,
  output      logic              s_axil_arready,
  output      logic [31:0]       s_axil_rdata,
  output      logic [1:0]        s_axil_rresp,
  output      logic              s_axil_rvalid,
  input  wire logic              s_axil_rready,

  output      logic              wr_en,
  output      logic [WORD_W-1:0] wr_addr,  // of a word
  output      logic [31:0]       wr_data,
  output      logic [3:0]        wr_strb,
  input  wire logic              wr_ok,

  output      logic [WORD_W-1:0] rd_addr,
  input  wire logic [31:0]       rd_data,
  input  wire logic              rd_ok
);

  localparam logic [1:0] OKAY   = 2'b00;
  localparam logic [1:0] SLVERR = 2'b10;

  if (ADDR_W < 3) begin : g_check_address
    rvg_error_address_of_less_than_two_words u_error ();
  end

  logic aw_full_q, w_full_q, ar_full_q, read;

  assign s_axil_awready = !aw_full_q;
  assign s_axil_wready  = !w_full_q;
  assign s_axil_arready = !ar_full_q;
  assign wr_en          = aw_full_q && w_full_q && (!s_axil_bvalid || s_axil_bready);
  assign read           = ar_full_q && (!s_axil_rvalid || s_axil_rready);

  always_ff @(posedge clk) begin
    if (s_axil_awvalid && s_axil_awready) begin
      wr_addr   <= s_axil_awaddr[ADDR_W-1:2];
      aw_full_q <= 1'b1;
    end
    if (s_axil_wvalid && s_axil_wready) begin
      wr_data  <= s_axil_wdata;
      wr_strb  <= s_axil_wstrb;
      w_full_q <= 1'b1;
    end
    if (s_axil_bready) s_axil_bvalid <= 1'b0;
    if (wr_en) begin
      aw_full_q     <= 1'b0;
      w_full_q      <= 1'b0;
      s_axil_bvalid <= 1'b1;
      s_axil_bresp  <= wr_ok ? OKAY : SLVERR;
    end

    if (s_axil_arvalid && s_axil_arready) begin
      rd_addr   <= s_axil_araddr[ADDR_W-1:2];
      ar_full_q <= 1'b1;
    end
    if (s_axil_rready) s_axil_rvalid <= 1'b0;
    if (read) begin
      ar_full_q     <= 1'b0;
      s_axil_rvalid <= 1'b1;
      s_axil_rdata  <= rd_data;
      s_axil_rresp  <= rd_ok ? OKAY : SLVERR;
    end

    if (rst) begin
      aw_full_q     <= 1'b0;
      w_full_q      <= 1'b0;
      ar_full_q     <= 1'b0;
      s_axil_bvalid <= 1'b0;
      s_axil_rvalid <= 1'b0;
    end
  end

  wire unused = &{1'b0, s_axil_awaddr[1:0], s_axil_araddr[1:0]};

`ifdef RVG_ASSERT
  rvg_assert_stream #(
    .TEXT("rvg_axi_lite: an answer to a write did not stay until it was taken"), .WIDTH(2)
  ) u_assert_b (
    .clk, .rst, .tdata(s_axil_bresp), .tvalid(s_axil_bvalid), .tready(s_axil_bready)
  );
  rvg_assert_stream #(
    .TEXT("rvg_axi_lite: an answer to a read did not stay until it was taken"), .WIDTH(34)
  ) u_assert_r (
    .clk, .rst, .tdata({s_axil_rresp, s_axil_rdata}), .tvalid(s_axil_rvalid), .tready(s_axil_rready)
  );
`endif

endmodule

`default_nettype wire
