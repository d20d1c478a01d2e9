"""How the options of `train` are typed: a line each, and behind a bar what the option needs."""

from __future__ import annotations

from tests.abuse.pairs import samples

QAT = "--qat net.pth -o new.npz"
SAMPLES = samples(
    f"""
--model A0
--widths 4,5
--depths 1,2 | --widths 4,4
--strides 2,1 | --widths 4,4
--block dbb
--scales scales.pth | --widths 4,4 --block repopt
--val small
--input-size 12
--channels 1 | --mean 0.5 --std 0.5
--class-index classes.json
--mean 0.1,0.2,0.3
--std 0.5,0.6,0.7
--epochs 2
--batch-size 3
--rate 0.2
--warmup 0
--momentum 0.5
--weight-decay 0.5
--label-smoothing 0.3
--ema 0.5
--augment none
--amp
--seed 3
--workers 3
--resume
--save-every 3
--no-save
--log log.csv
--json
--qat net.pth -o new.npz
--integers ints.npz | {QAT}
--weight-bits 4 | {QAT}
--activation-bits 4 | {QAT}
--bits bits.json | {QAT}
--weight-memory 500 | {QAT}
--method naive | {QAT}
--eps 1e-3 | {QAT}
--head none | {QAT}
"""
)
