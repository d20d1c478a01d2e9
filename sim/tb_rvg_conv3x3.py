# SPDX-License-Identifier: Apache-2.0
"""rvg_conv3x3 against golden.conv_layer: random and extreme maps, resets, frames at the planned rate."""

from __future__ import annotations

import conv_layer
from streams import over_cases

UNIT = "rvg_conv3x3"

equals_golden = over_cases(conv_layer.equals_golden, UNIT)
reset_in_the_middle_of_a_frame = over_cases(conv_layer.reset_in_the_middle_of_a_frame, UNIT)
