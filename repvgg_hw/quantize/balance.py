"""Equalization that weighs the noise of activations against that of weights, channel by channel.

Channel c of a layer is stored in steps of t_c: its real value is t_c times its integer. Two rounding
noises reach the next layer's output:

    activations   A(t) = S(t)^2 / 12 * sum_c p_c t_c^2 |w_c|^2,   S(t) = max_c peak_c / (t_c levels)
    weights       W(t) = 1 / 12 * sum_o (max_c |w_oc| t_c / limit)^2 * sum_c E[x_c^2] / t_c^2

p_c the share of positive values (zeros are exact), w_c the next layer's weights for the channel. Larger t_c
for channels with large values favours activations, for channels with small weights the weights.
Both terms, hence the result, are the same whatever scales the channels came with. They are
posynomials of t, so this is a geometric programme: convex in log t.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw.quantize.channels import MAX_RATIO, ChannelStats, relative_columns

Float = NDArray[np.float64]

STEPS = 300
RATE = 0.03  # of Adam, on log t; falls linearly to 0
START = 0.75  # between the resolution of weights (0) and of activations (1)


def least_noise(
    weight: Float,
    before: ChannelStats,
    *,
    groups: int,
    weight_limit: int,
    levels: int,
    one_scale: bool = False,
) -> Float:
    """t (C,), with geometric mean 1 over live channels and 1 for dead ones, that minimises A(t) + W(t).

    weight (O, C / groups, taps) of the next layer; weight_limit and levels: the largest integers of weights
    and activations; one_scale: the next layer's rows share one scale.
    """
    taps = torch.from_numpy(np.abs(weight).reshape(groups, len(weight) // groups, -1, weight.shape[2]))
    largest = taps.amax(dim=3)
    gain = taps.square().sum(dim=(1, 3))
    by_group = (groups, -1)
    peak = torch.from_numpy(before.peak).reshape(by_group)
    square = torch.from_numpy(before.mean_square).reshape(by_group)
    active = torch.from_numpy(before.active).reshape(by_group)
    live = (peak > 0) & (largest.amax(dim=1) > 0)
    factors = np.ones(len(before.peak))
    if not live.any():
        return factors
    column = torch.from_numpy(relative_columns(largest.numpy())).reshape(by_group)
    one = torch.ones_like(peak)
    start = START * torch.where(live, peak, one).log() - (1 - START) * torch.where(live, column, one).log()
    log_t = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([log_t], lr=RATE)
    least, best = np.inf, start
    for step in range(STEPS):
        for parameters in optimiser.param_groups:
            parameters["lr"] = RATE * (1 - step / STEPS)
        t = torch.where(live, log_t, 0.0).exp()
        finest = torch.where(live, peak / t, 0.0).amax() / levels
        noise = finest.square() * torch.where(live, active * t.square() * gain, 0.0).sum()
        rows = torch.where(live[:, None], largest * t[:, None], 0.0).amax(dim=2) / weight_limit
        if one_scale:
            rows = rows.amax(dim=1, keepdim=True).expand_as(rows)
        energy = torch.where(live, square / t.square(), 0.0).sum(dim=1) * weight.shape[2]
        loss = (noise + (rows.square().sum(dim=1) * energy).sum()).log()
        if loss.item() < least:
            least, best = loss.item(), log_t.detach().clone()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    mask = live.flatten().numpy()
    chosen = best.flatten().numpy()[mask]
    factors[mask] = np.clip(np.exp(chosen - chosen.mean()), 1 / MAX_RATIO, MAX_RATIO)
    return factors
