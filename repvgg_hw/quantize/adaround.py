"""AdaRound: learn which weights to round up and which down (Nagel et al., arXiv 2004.10568).

Each weight gets a gate h(v) in [0, 1] between its two neighbouring integers; Adam minimises the squared
error of the layer's output after its ReLU, on rows drawn from the calibration set, plus a regulariser
that drives every gate to 0 or 1. The draw is seeded and the images come in canonical order, so the
result does not depend on the order in which they were given. It begins at the least-squares solution
(`rounding.py`) and its bias, and no bias correction may follow: that would undo what was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

Float = NDArray[np.float64]

CHECKED_ROWS = 4096  # on which start and result are compared
ZETA, GAMMA = 1.1, -0.1  # how far the gate's sigmoid is stretched beyond [0, 1]


@dataclass(frozen=True)
class RoundingSchedule:
    """How long and how hard to learn."""

    steps: int = 200
    rows: int = 256  # per step
    rate: float = 2e-2
    weight: float = 0.02  # of the regulariser's sum over a row, against the error relative to itself
    warmup: float = 0.2  # share of the steps without the regulariser
    beta: tuple[float, float] = (20.0, 2.0)  # its exponent, from soft to hard


def learn(
    target: Float,
    bias: Float,
    scale: Float,
    limit: int,
    rows: torch.Tensor,
    wanted: torch.Tensor,
    start: NDArray[np.int8],
    *,
    relu: bool,
    schedule: RoundingSchedule | None = None,
) -> NDArray[np.int8]:
    """Integers (O, K) for real weights target (O, K) with scale (O,) and bias (O,), which stays.

    rows (P, K) float32 taps; wanted (P, O) float32, the float layer's output, after ReLU where relu;
    start (O, K) the integers to begin at. Returns start where nothing better on rows was found.
    """
    schedule = schedule or RoundingSchedule()
    z = torch.from_numpy(start.astype(np.float32))
    steps = torch.from_numpy(target / scale[:, None]).float()
    s, b = torch.from_numpy(scale).float()[:, None], torch.from_numpy(bias).float()
    # The two candidates of each weight: where it starts, and its neighbour on the real weight's side.
    low = torch.where(z > steps, z - 1, z).clamp(-limit, limit - 1)
    soft = 0.5 * (steps - low).clamp(0, 1) + 0.5 * (z - low)
    v = _inverse_gate(soft.clamp(0.02, 0.98)).requires_grad_()
    optimiser = torch.optim.Adam([v], lr=schedule.rate)
    generator = torch.Generator().manual_seed(0)

    def loss_of(weights: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        out = rows[chosen] @ (weights * s).T + b
        return ((torch.relu(out) if relu else out) - wanted[chosen]).square().mean()

    for step in range(schedule.steps):
        chosen = torch.randint(len(rows), (min(schedule.rows, len(rows)),), generator=generator)
        gates = _gate(v)
        error = loss_of(low + gates, chosen)
        loss = error / error.detach().clamp_min(1e-30) + _regulariser(gates, step, schedule)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        optimiser.step()

    with torch.no_grad():
        hard = low + (_gate(v) >= 0.5)
        check = torch.arange(0, len(rows), max(1, len(rows) // CHECKED_ROWS))
        better = bool(loss_of(hard, check) < loss_of(z, check))
    return hard.to(torch.int8).numpy() if better else start


def _gate(v: torch.Tensor) -> torch.Tensor:
    return (torch.sigmoid(v) * (ZETA - GAMMA) + GAMMA).clamp(0, 1)


def _inverse_gate(h: torch.Tensor) -> torch.Tensor:
    return torch.logit((h - GAMMA) / (ZETA - GAMMA))


def _regulariser(gates: torch.Tensor, step: int, schedule: RoundingSchedule) -> torch.Tensor | float:
    """0 where every gate is 0 or 1; its exponent falls, from gates near 0.5 to all of them."""
    progress = step / schedule.steps
    if progress < schedule.warmup:
        return 0.0
    along = (progress - schedule.warmup) / (1 - schedule.warmup)
    first, last = schedule.beta
    beta = last + (first - last) * 0.5 * (1 + np.cos(np.pi * along))
    return schedule.weight * (1 - (2 * gates - 1).abs().pow(beta)).sum(dim=1).mean()
