// SPDX-License-Identifier: Apache-2.0
// ap_axi_sdata.h for C simulation only: the side channels that this design uses of an AXI4-Stream beat.
// Never put this file on the include path of the vendor's tool, which brings its own.

#ifndef REPVGG_CSIM_AP_AXI_SDATA_H
#define REPVGG_CSIM_AP_AXI_SDATA_H

#include <ap_int.h>

template <int D, int U, int TI, int TD>
struct ap_axiu {
  static_assert(U == 0 && TI == 0 && TD == 0, "no TUSER, TID or TDEST here");
  ap_uint<D> data;
  ap_uint<(D + 7) / 8> keep;
  ap_uint<(D + 7) / 8> strb;
  ap_uint<1> last;
};

template <int D, int U, int TI, int TD>
struct ap_axis {
  static_assert(U == 0 && TI == 0 && TD == 0, "no TUSER, TID or TDEST here");
  ap_int<D> data;
  ap_uint<(D + 7) / 8> keep;
  ap_uint<(D + 7) / 8> strb;
  ap_uint<1> last;
};

#endif
