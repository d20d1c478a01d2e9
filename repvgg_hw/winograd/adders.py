"""Constant matrix times vector as a network of shifts and adders.

Greedy common-subexpression elimination over signed digits: every output is a sum of terms +-(x_j << s);
the two-term pattern that occurs most often becomes a new node, until every output is a single term.
Ties, and the signed-digit form of each coefficient, are drawn at random and the best of many runs is kept:
deterministic for a given seed. After R. Hartley, "Subexpression sharing in filters using canonic signed
digit multipliers", IEEE TCAS-II, 1996.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Term = tuple[int, int, int]  # (node, shift, sign): sign * (node << shift)
Pattern = tuple[int, int, int, int]  # (a, b, shift, sign): a + sign * (b << shift), see _pattern

RUNS = 40
EXPLORE = 0.1  # probability of taking a pattern that is one short of the most frequent
SHALLOW = 0.7  # probability of preferring the shortest path among equally frequent patterns


@dataclass(frozen=True)
class Adder:
    """One node: sign_a * (a << shift_a) + sign_b * (b << shift_b); a and b are earlier nodes or inputs."""

    a: Term
    b: Term


@dataclass(frozen=True)
class AdderGraph:
    """Nodes 0..inputs-1 are the inputs, then one node for each adder; each output is one term, or zero."""

    inputs: int
    adders: tuple[Adder, ...]
    outputs: tuple[Term | None, ...]

    def apply(self, x: NDArray[np.integer]) -> NDArray[np.int64]:
        """x (inputs, ...) -> (outputs, ...), as the hardware adds it up."""
        nodes = [np.asarray(row, np.int64) for row in x]

        def read(term: Term) -> NDArray[np.int64]:
            node, shift, sign = term
            return sign * (nodes[node] << shift)

        for adder in self.adders:
            nodes.append(read(adder.a) + read(adder.b))
        zero = np.zeros_like(nodes[0])
        return np.stack([zero if term is None else read(term) for term in self.outputs])

    def coefficients(self) -> NDArray[np.int64]:
        """Every node as a row of coefficients of the inputs (inputs + adders, inputs)."""
        rows = list(np.eye(self.inputs, dtype=np.int64))
        for adder in self.adders:
            (a, s, d), (b, t, e) = adder.a, adder.b
            rows.append(d * (rows[a] << s) + e * (rows[b] << t))
        return np.stack(rows)

    @property
    def depth(self) -> int:
        """Adders on the longest path."""
        level = [0] * self.inputs
        for adder in self.adders:
            level.append(1 + max(level[adder.a[0]], level[adder.b[0]]))
        return max(level)

    @property
    def negations(self) -> int:
        """Outputs that are the negative of a node, and sums of two negatives: an adder each."""
        outputs = sum(1 for term in self.outputs if term is not None and term[2] < 0)
        return outputs + sum(1 for adder in self.adders if adder.a[2] < 0 and adder.b[2] < 0)

    @property
    def cost(self) -> int:
        """Two-input adders and subtractors."""
        return len(self.adders) + self.negations


@cache
def digit_forms(value: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """All signed-digit forms of value with the fewest nonzero digits, as ((shift, sign), ...)."""
    if value == 0:
        return ((),)
    if value % 2 == 0:
        return tuple(tuple((s + 1, d) for s, d in form) for form in digit_forms(value // 2))
    if value in (1, -1):
        return (((0, value),),)
    forms = [
        ((0, d), *((s + 1, e) for s, e in form)) for d in (1, -1) for form in digit_forms((value - d) // 2)
    ]
    fewest = min(map(len, forms))
    return tuple(form for form in forms if len(form) == fewest)


def _pattern(p: Term, q: Term) -> tuple[Pattern, int, int]:
    """The pair of terms as (pattern, shift, sign): sign * (pattern << shift)."""
    if (q[1], q[0]) < (p[1], p[0]):
        p, q = q, p
    return (p[0], q[0], q[1] - p[1], p[2] * q[2]), p[1], p[2]


def _occurrences(rows: list[list[Term]]) -> Counter[Pattern]:
    """How often each two-term pattern occurs, occurrences that share a term within a row counted once."""
    counts: Counter[Pattern] = Counter()
    for row in rows:
        used: dict[Pattern, set[Term]] = {}
        for i, p in enumerate(row):
            for q in row[i + 1 :]:
                key, _, _ = _pattern(p, q)
                taken = used.setdefault(key, set())
                if p not in taken and q not in taken:
                    taken.update((p, q))
                    counts[key] += 1
    return counts


def _substitute(row: list[Term], key: Pattern, node: int) -> list[Term]:
    """Replace every disjoint occurrence of the pattern in the row by the new node."""
    row = list(row)
    i = 0
    while i < len(row):
        for j in range(i + 1, len(row)):
            pattern, shift, sign = _pattern(row[i], row[j])
            if pattern == key:
                row[j : j + 1], row[i : i + 1] = [], [(node, shift, sign)]
                break
        i += 1
    return row


def _eliminate(matrix: NDArray[np.int64], rng: random.Random) -> AdderGraph:
    """One greedy run."""
    inputs = matrix.shape[1]
    rows = [
        [(j, s, d) for j, c in enumerate(row) if c for s, d in rng.choice(digit_forms(int(c)))]
        for row in matrix
    ]
    level = [0] * inputs
    adders: list[Adder] = []
    while any(len(row) > 1 for row in rows):
        counts = _occurrences(rows)
        best = max(counts.values())
        if best > 2 and rng.random() < EXPLORE:
            best -= 1
        candidates = [key for key, n in counts.items() if n == best] or list(counts)
        if best == 1 or rng.random() < SHALLOW:  # among equals the short path costs nothing
            shallow = min(max(level[a], level[b]) for a, b, _, _ in candidates)
            candidates = [k for k in candidates if max(level[k[0]], level[k[1]]) == shallow]
        key = rng.choice(candidates)
        a, b, shift, sign = key
        node = inputs + len(adders)
        adders.append(Adder((a, 0, 1), (b, shift, sign)))
        level.append(1 + max(level[a], level[b]))
        rows = [_substitute(row, key, node) for row in rows]
    return _choose_signs(AdderGraph(inputs, tuple(adders), tuple(row[0] if row else None for row in rows)))


def _choose_signs(graph: AdderGraph) -> AdderGraph:
    """Negate nodes so that as few adders and outputs as possible need a negation of their own.

    A difference is as cheap as a sum; -a - b and the negative of a node are not. Descent over single nodes.
    """
    sign = [1] * (graph.inputs + len(graph.adders))

    def flipped(term: Term, by: int) -> Term:
        return term[0], term[1], term[2] * sign[term[0]] * by

    def current() -> AdderGraph:
        adders = tuple(
            Adder(flipped(x.a, sign[graph.inputs + i]), flipped(x.b, sign[graph.inputs + i]))
            for i, x in enumerate(graph.adders)
        )
        return AdderGraph(
            graph.inputs, adders, tuple(None if t is None else flipped(t, 1) for t in graph.outputs)
        )

    best = current()
    improved = True
    while improved and best.negations:
        improved = False
        for node in range(len(sign) - 1, graph.inputs - 1, -1):
            sign[node] = -sign[node]
            trial = current()
            if trial.negations < best.negations:
                best, improved = trial, True
            else:
                sign[node] = -sign[node]
    return best


def compose(inner: AdderGraph, outer: AdderGraph) -> AdderGraph:
    """The network of outer(inner(x))."""
    added = len(inner.adders) + inner.inputs - outer.inputs  # shift of outer's node numbers

    def moved(term: Term) -> Term:
        node, shift, sign = term
        if node >= outer.inputs:
            return node + added, shift, sign
        source = inner.outputs[node]
        assert source is not None, "an input of the outer network is constant zero"
        return source[0], source[1] + shift, source[2] * sign

    adders = (*inner.adders, *(Adder(moved(x.a), moved(x.b)) for x in outer.adders))
    outputs = tuple(None if t is None else moved(t) for t in outer.outputs)
    return _choose_signs(AdderGraph(inner.inputs, adders, outputs))


def solve(matrix: NDArray[np.integer], seeds: Iterable[int] = range(RUNS)) -> AdderGraph:
    """The smallest network found for y = matrix @ x, matrix (outputs, inputs), one run per seed."""
    graphs = (_eliminate(matrix.astype(np.int64), random.Random(seed)) for seed in seeds)
    return min(graphs, key=lambda g: (g.cost, g.depth))
