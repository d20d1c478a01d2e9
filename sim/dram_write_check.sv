// SPDX-License-Identifier: Apache-2.0
// dram_write_check: compares every beat that goes into dram_model with a binary file, as it is written.
//
// The file is +data=FOLDER's NAME.bin, records in order of writing: address (4 bytes), DATA_W/8 bytes of data, then
// ceil(DATA_W/64) bytes of mask, all low byte first: bit b of the mask says that byte b means something. Such a byte must be
// strobed and equal; the others may be anything. The first difference is written to `log` as
//   write <NAME> <index> <address expected> <address> <mask> <expected> <strobes> <got>     (index decimal, others hexadecimal)
// a beat after the last record as `surplus <NAME> <index> <address>`; both raise `failed`. `done`: all records were seen.

`default_nettype none

module dram_write_check #(
  parameter int DATA_W = 64,
  parameter int ADDR_W = 32,
  parameter     NAME   = "writes"
) (
  input  wire logic                clk,
  input  wire logic                rst,
  input  wire integer              log,
  input  wire logic                written,
  input  wire logic [ADDR_W-1:0]   addr,
  input  wire logic [DATA_W-1:0]   data,
  input  wire logic [DATA_W/8-1:0] strobes,
  output      logic [31:0]         index,
  output      logic                done,
  output      logic                failed
);

  localparam int BYTES      = DATA_W / 8;
  localparam int MASK_BYTES = (BYTES + 7) / 8;
  localparam int RECORD     = 4 + BYTES + MASK_BYTES;

  string                   folder;
  integer                  file;
  logic [31:0]             records;
  logic [31:0]             expected_addr;
  logic [DATA_W-1:0]       expected;
  logic [8*MASK_BYTES-1:0] mask;
  logic                    differs;

  assign done = index == records;

  initial begin
    if (!$value$plusargs("data=%s", folder)) $fatal(1, "%m: needs +data=FOLDER");
    file = $fopen($sformatf("%s/%s.bin", folder, NAME), "rb");
    if (file == 0) $fatal(1, "%m: cannot open %s/%s.bin", folder, NAME);
    void'($fseek(file, 0, 2));
    records = $ftell(file) / RECORD;
    if ($ftell(file) % RECORD != 0) $fatal(1, "%m: %s/%s.bin does not end with a record", folder, NAME);
    void'($fseek(file, 0, 0));
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      index  <= '0;
      failed <= 1'b0;
      void'($fseek(file, 0, 0));
    end else if (written) begin
      if (done) begin
        if (!failed) $fdisplay(log, "surplus %s %0d %h", NAME, index, addr);
        failed <= 1'b1;
      end else begin
        for (int b = 0; b < 4; b++) expected_addr[8*b +: 8] = 8'($fgetc(file));
        for (int b = 0; b < BYTES; b++) expected[8*b +: 8] = 8'($fgetc(file));
        for (int b = 0; b < MASK_BYTES; b++) mask[8*b +: 8] = 8'($fgetc(file));
        differs = 32'(addr) != expected_addr;
        for (int b = 0; b < BYTES; b++) begin
          if (mask[b] && (!strobes[b] || data[8*b +: 8] != expected[8*b +: 8])) differs = 1'b1;
        end
        if (differs && !failed) begin
          $fdisplay(log, "write %s %0d %h %h %h %h %h %h", NAME, index, expected_addr, 32'(addr), mask[BYTES-1:0],
                    expected, strobes, data);
          $fflush(log);
          failed <= 1'b1;
        end
        index <= index + 1;
      end
    end
  end

endmodule

`default_nettype wire
