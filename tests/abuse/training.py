"""How the options of `train` are typed: a line each, and behind a bar what the option needs."""

TRAINING = """
--model A0
--widths 4,5
--depths 1,2
--strides 2,1
--block dbb
--scales scales.pth | --block repopt
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
--log log.csv
--json
--qat net.pth -o new.npz
--weight-bits 4 | --qat net.pth -o new.npz
--activation-bits 4 | --qat net.pth -o new.npz
--bits bits4.json | --qat net.pth -o new.npz
--weight-memory 500 | --qat net.pth -o new.npz
--method naive | --qat net.pth -o new.npz
--eps 1e-3 | --qat net.pth -o new.npz
--head none | --qat net.pth -o new.npz
"""
