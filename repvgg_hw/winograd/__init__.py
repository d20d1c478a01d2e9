"""Winograd convolution, exact in integers: F(m x m, 3x3) at stride 1, and stride 2 in phases.

matrices   the transforms, in integers           golden    what the RTL must equal
bounds     widths, each by a proof               adders    constant networks of shifts and adds
"""
