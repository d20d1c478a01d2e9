# SPDX-License-Identifier: Apache-2.0
"""rvg_ram_1r1w_ultra does what rvg_ram_1r1w does."""

from __future__ import annotations

from streams import over_cases
from tb_rvg_ram_1r1w import compared_with_a_list

equals_a_list = over_cases(compared_with_a_list, "rvg_ram_1r1w_ultra")
