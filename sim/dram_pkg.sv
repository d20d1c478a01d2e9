// SPDX-License-Identifier: Apache-2.0
// dram_pkg: what the memory model's ports share: the rules that a master must keep, dice, plusargs.
//
// Rules  : AMBA AXI protocol specification (IHI 0022): payload stays until it is taken (A3.2.1), no burst crosses
//          4 KiB (A3.4.1), WLAST with the last beat; and what the engine promises beyond.

`default_nettype none

package dram_pkg;

  localparam logic [7:0] NONE = 0, UNSTABLE = 1, PAGE = 2, LONG = 3, KIND = 4, UNALIGNED = 5, OUTSIDE = 6, IDENT = 7,
                         WLAST = 8, STROBE = 9, READ_UNWRITTEN = 10, WRITE_UNREAD = 11, WRITE_TWICE = 12;

  function automatic string text(input logic [7:0] rule);
    case (rule)
      UNSTABLE:       return "valid or payload changed before it was taken";
      PAGE:           return "a burst crosses 4 KiB";
      LONG:           return "a burst is longer than agreed";
      KIND:           return "a burst is not INCR of whole beats";
      UNALIGNED:      return "a burst begins within a beat";
      OUTSIDE:        return "a burst leaves the memory";
      IDENT:          return "an unknown ID";
      WLAST:          return "WLAST is not with the last beat";
      STROBE:         return "a byte is written outside of what may be written";
      READ_UNWRITTEN: return "a read of what is being written and not yet acknowledged";
      WRITE_UNREAD:   return "a write to what is being read";
      WRITE_TWICE:    return "a write to what is being written and not yet acknowledged";
      default:        return "none";
    endcase
  endfunction

  // G. Marsaglia, "Xorshift RNGs", 2003
  function automatic logic [31:0] xorshift(input logic [31:0] x);
    logic [31:0] a, b;
    a = x ^ x << 13;
    b = a ^ a >> 17;
    return b ^ b << 5;
  endfunction

  // What an address channel breaks by itself.
  function automatic logic [7:0] burst_rule(
    input logic [63:0] addr, input logic [7:0] len, input logic [2:0] size, input logic [1:0] kind, input int ident,
    input int bytes, input int longest, input int idents, input logic [63:0] memory
  );
    logic [63:0] last;
    last = addr + (64'(len) + 1) * 64'(bytes) - 1;
    if (ident >= idents) return IDENT;
    if (kind != 2'b01 || 1 << size != bytes) return KIND;
    if (addr % 64'(bytes) != 0) return UNALIGNED;
    if (int'(len) + 1 > longest) return LONG;
    if (addr >> 12 != last >> 12) return PAGE;
    if (last >= memory) return OUTSIDE;
    return NONE;
  endfunction

endpackage

`default_nettype wire
