"""Inputs that drive sums and transforms to the edges of their proven widths, and how far a run came.

patterns  for one layer, the maps that reach each edge exactly
frames    for a whole network, what its input can do
reach     what the widths of each layer are proven for, and the largest value of a run
"""
