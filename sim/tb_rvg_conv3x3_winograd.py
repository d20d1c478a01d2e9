# SPDX-License-Identifier: Apache-2.0
"""rvg_conv3x3_winograd against golden.conv_layer: random, extreme maps, resets, the planned rate."""

from __future__ import annotations

import conv_layer
from streams import over_cases

UNIT = "rvg_conv3x3_winograd"
WHOLE = ("flowing", "both")  # its units are tried under the others, too

equals_golden = over_cases(conv_layer.equals_golden, UNIT, WHOLE)
reset_in_the_middle_of_a_frame = over_cases(conv_layer.reset_in_the_middle_of_a_frame, UNIT, WHOLE)
