"""`python -m repvgg_hw` is `repvgg-hw`."""

from repvgg_hw.cli import main

main()
