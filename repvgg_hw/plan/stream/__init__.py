"""One unit per layer, all at work at once: foldings, cycles, widths, memories, and the search for them."""
