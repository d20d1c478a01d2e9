"""Exact division by an odd constant as a chain of shifts and adds, modulo a power of two.

If f * c = 2**k - s with s = 1 or -1, then modulo 2**bits

    1 / f = -s c / (1 - s 2**k) = -s c (1 + s 2**k) (1 + 2**2k) (1 + 2**4k) ...

and the product ends where the shift reaches `bits`. A few adders do what the inverse itself, a constant
without structure, needs a third of `bits` for.
"""

from __future__ import annotations

from functools import cache

from repvgg_hw.winograd.adders import Adder, AdderGraph, digit_forms


def _factor_chain(divisor: int, bits: int) -> list[tuple[tuple[int, int], ...]] | None:
    """Factors, each as signed digits, whose product is 1 / divisor modulo 2**bits; None if there are none."""
    best: list[tuple[tuple[int, int], ...]] | None = None
    for k in range(1, bits + 1):
        for s in (1, -1):
            if ((1 << k) - s) % divisor:
                continue
            start = -s * (((1 << k) - s) // divisor)
            chain = [digit_forms(start)[0]]
            if k < bits:
                chain.append(((0, 1), (k, s)))
            chain += [((0, 1), (shift, 1)) for shift in _doublings(2 * k, bits)]
            if best is None or _cost(chain) < _cost(best):
                best = chain
    return best


def _doublings(shift: int, bits: int) -> list[int]:
    shifts = []
    while shift < bits:
        shifts.append(shift)
        shift *= 2
    return shifts


def _cost(chain: list[tuple[tuple[int, int], ...]]) -> int:
    return sum(len(form) - 1 for form in chain)


@cache
def _best_chain(divisor: int, bits: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The cheapest chain over all ways to write divisor as a product."""
    if divisor == 1:
        return ()
    inverse = pow(divisor, -1, 1 << bits)
    chains: list[tuple[tuple[tuple[int, int], ...], ...]] = [(digit_forms(inverse)[0],)]
    for factor in range(3, divisor + 1, 2):
        if divisor % factor == 0 and (chain := _factor_chain(factor, bits)) is not None:
            chains.append((*chain, *_best_chain(divisor // factor, bits)))
    return min(chains, key=lambda chain: _cost(list(chain)))


@cache
def divider(divisor: int, bits: int) -> AdderGraph:
    """Network of one input and one output: x / divisor modulo 2**bits, for odd divisors."""
    adders: list[Adder] = []
    sign, node = 1, 0
    for form in _best_chain(divisor, bits):
        digits = [(shift, digit) for shift, digit in form if shift < bits]
        if len(digits) == 1:  # only -1 and 1: the chain's factors are odd
            sign *= digits[0][1]
            continue
        (s0, d0), (s1, d1), *rest = digits
        adders.append(Adder((node, s0, d0), (node, s1, d1)))
        for shift, digit in rest:
            adders.append(Adder((len(adders), 0, 1), (node, shift, digit)))
        node = len(adders)
    if sign < 0 and adders:  # into the last multiplication
        last = adders.pop()
        adders.append(Adder((*last.a[:2], -last.a[2]), (*last.b[:2], -last.b[2])))
        sign = 1
    return AdderGraph(1, tuple(adders), ((node, 0, sign),))
