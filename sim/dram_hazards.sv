// SPDX-License-Identifier: Apache-2.0
// dram_hazards: whether some master reads what is being written, or writes what is being read or written.
//
// A burst is under way from its address to its last beat (reads) or its acknowledgement (writes). Until then nobody may
// know what a read of these bytes gives, or which of two writes lasts. For each 8 bytes of the memory, bursts under
// way are counted. `rule` stays until reset. +hazards=0: not looked for.

`default_nettype none

module dram_hazards #(
  parameter int PORTS  = 1,
  parameter int ADDR_W = 32,
  parameter int SIZE   = 65536,
  parameter logic [8*PORTS-1:0] BYTES = {PORTS{8'd8}}
) (
  input  wire logic                    clk,
  input  wire logic                    rst,
  input  wire logic [PORTS-1:0]        read_begun,
  input  wire logic [PORTS*ADDR_W-1:0] read_addr,
  input  wire logic [PORTS*8-1:0]      read_len,
  input  wire logic [PORTS-1:0]        read_ended,
  input  wire logic [PORTS*ADDR_W-1:0] read_ended_addr,
  input  wire logic [PORTS*8-1:0]      read_ended_len,
  input  wire logic [PORTS-1:0]        write_begun,
  input  wire logic [PORTS*ADDR_W-1:0] write_addr,
  input  wire logic [PORTS*8-1:0]      write_len,
  input  wire logic [PORTS-1:0]        write_ended,
  input  wire logic [PORTS*ADDR_W-1:0] write_ended_addr,
  input  wire logic [PORTS*8-1:0]      write_ended_len,
  output      logic [7:0]              rule
);

  localparam int CELLS = SIZE / 8;

  logic [7:0]  reads [CELLS], writes [CELLS];  // bursts under way
  logic [31:0] wanted, first, count;
  logic [7:0]  found;
  logic        dirty_q;                        // since the last time that all counts were set to zero

  initial if (!$value$plusargs("hazards=%d", wanted)) wanted = 1;

  // Blocking: what begins is compared with all that began before it, also in this cycle.
  always_ff @(posedge clk) begin
    found = dram_pkg::NONE;
    if (rst) begin
      if (dirty_q) begin
        for (int i = 0; i < CELLS; i++) begin
          reads[i]  = '0;
          writes[i] = '0;
        end
      end
      dirty_q <= 1'b0;
      rule    <= dram_pkg::NONE;
    end else if (wanted != 0) begin
      for (int p = 0; p < PORTS; p++) begin
        if (read_begun[p]) begin
          first = 32'(read_addr[ADDR_W*p +: ADDR_W]) / 8;
          count = (32'(read_len[8*p +: 8]) + 1) * 32'(BYTES[8*p +: 8]) / 8;
          for (logic [31:0] i = first; i < first + count && i < CELLS; i++) begin
            if (writes[i] != 0) found = dram_pkg::READ_UNWRITTEN;
            reads[i] = reads[i] + 1;
          end
        end
      end
      for (int p = 0; p < PORTS; p++) begin
        if (write_begun[p]) begin
          first = 32'(write_addr[ADDR_W*p +: ADDR_W]) / 8;
          count = (32'(write_len[8*p +: 8]) + 1) * 32'(BYTES[8*p +: 8]) / 8;
          for (logic [31:0] i = first; i < first + count && i < CELLS; i++) begin
            if (reads[i] != 0) found = dram_pkg::WRITE_UNREAD;
            if (writes[i] != 0) found = dram_pkg::WRITE_TWICE;
            writes[i] = writes[i] + 1;
          end
        end
      end
      for (int p = 0; p < PORTS; p++) begin
        if (read_ended[p]) begin
          first = 32'(read_ended_addr[ADDR_W*p +: ADDR_W]) / 8;
          count = (32'(read_ended_len[8*p +: 8]) + 1) * 32'(BYTES[8*p +: 8]) / 8;
          for (logic [31:0] i = first; i < first + count && i < CELLS; i++) reads[i] = reads[i] - 1;
        end
        if (write_ended[p]) begin
          first = 32'(write_ended_addr[ADDR_W*p +: ADDR_W]) / 8;
          count = (32'(write_ended_len[8*p +: 8]) + 1) * 32'(BYTES[8*p +: 8]) / 8;
          for (logic [31:0] i = first; i < first + count && i < CELLS; i++) writes[i] = writes[i] - 1;
        end
      end
      if (read_begun != '0 || write_begun != '0) dirty_q <= 1'b1;
      if (found != dram_pkg::NONE) begin
        rule <= found;
        $display("dram_model: %s: reads %h at %h, writes %h at %h (a bit, an address for each port)",
                 dram_pkg::text(found), read_begun, read_addr, write_begun, write_addr);
        $stop;
      end
    end
  end

endmodule

`default_nettype wire
