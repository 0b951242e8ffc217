"""Water networks whose outlet concentrations depend on the flows: a local search, and a bound from below.

The products of flow and concentration make the problem bilinear. For assumed highest outlets the programme
of `water_arcs` gives a network that works, so the search moves the assumptions only: a linear step in flows
and outlets within a trust region, kept if the programme then needs less fresh water. The bound splits each
unknown outlet into pieces, in each of which what a flow carries lies between its ends (McCormick, 1976,
Math. Program. 10, 147; pieces as in Karuppiah and Grossmann, 2006, Comput. Chem. Eng. 30, 650).
"""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import coo_array, csr_array, hstack, vstack

from flowsim.studies.water_arcs import TAKE, Arcs, least

SAME = 1e-9
"""Fresh water that differs by less than this share is the same."""
STARTS, STEPS = 6, 40
"""Starts of the search, and steps of each."""
PIECES = (6, 12, 24, 48)
"""Pieces of each unknown outlet in the bound, one attempt after the other."""


def search(arcs: Arcs, seed: int) -> tuple[np.ndarray | None, np.ndarray]:
    """The best network found, and the outlets that it assumes; no network if none was found.

    The first start assumes the highest outlets; the others are drawn from ``seed``.
    """
    most = highest_outlets(arcs)
    unknown = np.isnan(arcs.outlet)
    best, best_given, best_fresh = None, most, np.inf
    for start in range(STARTS):
        given = np.where(unknown, most, arcs.outlet)
        if start:
            draw = np.random.default_rng([seed, start]).uniform(0.3, 1.0, most.shape)
            given = np.where(unknown, most * draw, arcs.outlet)
        given, fresh = _descend(arcs, given, most, unknown)
        if fresh < best_fresh * (1 - SAME):
            best_given, best_fresh = given, fresh
    if np.isfinite(best_fresh):
        best = arcs.best(best_given)
    return best, best_given


def highest_outlets(arcs: Arcs) -> np.ndarray:
    """The most that each position may give: a use its limit, a treatment the worst that can reach it."""
    stated = arcs.places.outlet[arcs.own]
    known = np.where(np.isfinite(arcs.outlet), arcs.outlet, stated)
    known[arcs.kind == "treatment"] = arcs.outlet[arcs.kind == "treatment"]
    worst = np.nanmax(known, axis=0)
    kept = 1.0 - np.nan_to_num(arcs.places.removal[arcs.own])
    return np.where(np.isnan(known), kept * worst, known)


def lowest_outlets(arcs: Arcs, largest: float) -> np.ndarray:
    """The least that each position can give if no flow is above ``largest``: its load in that much water."""
    places = arcs.places
    low = np.where(np.isnan(arcs.outlet), 0.0, arcs.outlet)
    use = arcs.kind == "use"
    low[use] = np.nan_to_num(places.load[arcs.own[use]]) / largest
    kept = 1.0 - np.nan_to_num(places.removal[arcs.own])
    for at in np.flatnonzero(arcs.kind == "treatment"):
        before = low[arcs.start[arcs.end == at]]
        if len(before):
            low[at] = np.where(np.isnan(arcs.outlet[at]), kept[at] * before.min(axis=0), low[at])
    return low


def _fresh(arcs: Arcs, given: np.ndarray) -> tuple[np.ndarray | None, float]:
    flow = arcs.best(given, stages=1)
    return flow, np.inf if flow is None else float(flow[arcs.from_fresh].sum())


def _descend(
    arcs: Arcs, given: np.ndarray, most: np.ndarray, unknown: np.ndarray
) -> tuple[np.ndarray, float]:
    """Better and better outlets from one start; a step that does not help halves the region."""
    flow, fresh = _fresh(arcs, given)
    radius = 0.3
    for _ in range(STEPS):
        if flow is None or radius < 1e-6:
            break
        trial = _step(arcs, given, flow, most, unknown, radius)
        new_flow, new_fresh = _fresh(arcs, trial)
        if new_flow is not None and new_fresh < fresh * (1 - SAME):
            given, flow, fresh = trial, new_flow, new_fresh
            radius = min(2 * radius, 0.5)
        else:
            radius /= 2
    return given, fresh


def _step(
    arcs: Arcs, given: np.ndarray, flow: np.ndarray, most: np.ndarray, unknown: np.ndarray, radius: float
) -> np.ndarray:
    """The outlets that the rows, made linear at this point, ask for within the trust region."""
    at, substance = np.nonzero(unknown)
    column = np.full(given.shape, -1)
    column[at, substance] = np.arange(len(at))
    equal, rhs, sums, limit = arcs.volumes()
    matrix, right = arcs.quality(given)
    slope = _slope(arcs, given, flow, column, len(at))
    # y = step + reach is not below 0, and not above reach + room
    reach = np.minimum(radius * most, given)[at, substance]
    room = np.minimum(radius * most, most - given)[at, substance]
    none = csr_array((len(rhs), len(at)))
    upper = vstack([hstack([matrix, slope]), hstack([sums, csr_array((len(limit), len(at)))])])
    found = least(
        np.append(arcs.from_fresh.astype(float), np.zeros(len(at))),
        csr_array(upper),
        np.concatenate([right + slope @ reach, limit]),
        csr_array(hstack([equal, none])),
        rhs,
        most_of=np.append(np.full(len(flow), np.inf), reach + room),
    )
    if found is None:
        return given
    out = given.copy()
    out[at, substance] += found[len(flow) :] - reach
    return np.clip(out, 0.0, most)


def _slope(arcs: Arcs, given: np.ndarray, flow: np.ndarray, column: np.ndarray, count: int) -> csr_array:
    """How each row of quality changes with each unknown outlet, (rows, unknown), at these flows."""
    row, col, value = [], [], []
    units = []
    for number, (sense, at, substance, amount) in enumerate(arcs.rows()):
        mine, entries = arcs.row(given, sense, at, substance, amount)
        units.append(max(np.abs(entries).max(initial=0.0), 1e-300))
        kept = 1.0 - amount if sense == "removal" else 1.0
        before = column[arcs.start[mine], substance]
        known = before >= 0
        row += [number] * int(known.sum())
        col += before[known].tolist()
        value += (kept * flow[mine][known]).tolist()
        if sense != "inlet" and column[at, substance] >= 0:
            row.append(number)
            col.append(int(column[at, substance]))
            value.append(-float(flow[mine].sum()))
    shape = (len(units), count)
    made = csr_array(coo_array((value, (row, col)), shape=shape))
    return csr_array(made.multiply(1 / np.array(units)[:, None]))


# ---- the bound from below ----


def bound(arcs: Arcs, flow: np.ndarray, time_limit: float, enough: float) -> float:
    """No network needs less fresh water than this: the relaxation in ever more pieces, as far as time allows.

    Stops where the bound is within the share ``enough`` of what ``flow`` needs. A connection is taken to
    carry no more water than ten times what all connections of ``flow`` do.
    """
    fresh, end = float(flow[arcs.from_fresh].sum()), time.monotonic() + time_limit
    found = 0.0
    for pieces in PIECES:
        left = end - time.monotonic()
        if left <= 0 or found >= fresh * (1 - enough):
            break
        found = max(found, _relaxed(_Relaxation(arcs, flow, pieces), left))
    return found


def _relaxed(model: _Relaxation, time_limit: float) -> float:
    from scipy.optimize import Bounds, LinearConstraint, milp

    # the presolve of HiGHS prints to standard output on some of these
    options = {"time_limit": time_limit, "mip_rel_gap": 1e-7, "presolve": False}
    reached = milp(
        model.cost,
        integrality=model.integral,
        bounds=Bounds(np.zeros(len(model.cost)), model.upper),
        constraints=LinearConstraint(model.matrix, model.low, model.high),
        options=options,
    ).mip_dual_bound
    return max(0.0, float(reached or 0.0)) * model.scale


class _Relaxation:
    """Columns: flow of each arc; of each arc whose start has an unknown outlet, for each substance, what it
    carries and its flow in each piece; for each unknown outlet which piece holds."""

    def __init__(self, arcs: Arcs, flow: np.ndarray, pieces: int):
        largest = 10.0 * float(flow.sum())
        self.arcs, self.scale, self.count = arcs, largest, pieces + 1
        most = highest_outlets(arcs)
        self.unit = np.maximum(np.nanmax(most, axis=0), 1e-300)
        self.most = most / self.unit
        self.least = np.minimum(lowest_outlets(arcs, largest) / self.unit, self.most)
        self.near = np.nan_to_num(arcs.concentrations(flow)) / self.unit
        at, substance = np.nonzero(np.isnan(arcs.outlet) & np.isin(arcs.kind, ("use", "treatment"))[:, None])
        self.pairs = list(zip(at.tolist(), substance.tolist(), strict=True))
        count = len(arcs.start)
        self.carried: dict[tuple[int, int], int] = {}
        self.pieces: dict[tuple[int, int], int] = {}
        size = count
        for place, kind in self.pairs:
            for arc in np.flatnonzero(arcs.start == place).tolist():
                self.carried[arc, kind] = size
                self.pieces[arc, kind] = size + 1
                size += 1 + self.count
        self.choice = {pair: size + self.count * number for number, pair in enumerate(self.pairs)}
        size += self.count * len(self.pairs)
        self.cost = np.append(arcs.from_fresh.astype(float), np.zeros(size - count))
        self.integral = np.zeros(size)
        self.upper = np.full(size, 1.0)
        for first in self.choice.values():
            self.integral[first : first + self.count] = 1
        self.entries: list[tuple[int, int, float]] = []
        self.bounds: list[tuple[float, float]] = []
        self._water()
        self._pieces()
        self._substances()
        rows, columns, values = zip(*self.entries, strict=True)
        self.matrix = csr_array(coo_array((values, (rows, columns)), shape=(len(self.bounds), size)))
        self.low, self.high = (np.array(side) for side in zip(*self.bounds, strict=True))

    def _add(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        self.entries += [(len(self.bounds), column, value) for column, value in terms]
        self.bounds.append((low, high))

    def _water(self) -> None:
        equal, rhs, sums, limit = self.arcs.volumes()
        for matrix, right, exact in ((equal, rhs, True), (sums, limit, False)):
            for row in range(matrix.shape[0]):
                span = slice(matrix.indptr[row], matrix.indptr[row + 1])
                terms = list(zip(matrix.indices[span].tolist(), matrix.data[span].tolist(), strict=True))
                high = float(right[row]) / self.scale
                self._add(terms, high if exact else -np.inf, high)

    def _pieces(self) -> None:
        """One piece of each unknown outlet holds; the flow is all in it, and carries what lies within."""
        for pair, first in self.choice.items():
            self._add([(first + piece, 1.0) for piece in range(self.count)], 1.0, 1.0)
            place, kind = pair
            edges = self._edges(pair)
            for arc in np.flatnonzero(self.arcs.start == place).tolist():
                part, carried = self.pieces[arc, kind], self.carried[arc, kind]
                parts = [(part + piece, 1.0) for piece in range(self.count)]
                self._add([*parts, (arc, -1.0)], 0.0, 0.0)
                for piece in range(self.count):
                    self._add([(part + piece, 1.0), (first + piece, -1.0)], -np.inf, 0.0)
                low = [(part + piece, -float(edges[piece])) for piece in range(self.count)]
                high = [(part + piece, -float(edges[piece + 1])) for piece in range(self.count)]
                self._add([(carried, 1.0), *low], 0.0, np.inf)
                self._add([(carried, 1.0), *high], -np.inf, 0.0)

    def _edges(self, pair: tuple[int, int]) -> np.ndarray:
        """Ends of the pieces: even, and one more where the network that was found stands."""
        low, high = self.least[pair], self.most[pair]
        return np.sort(np.append(np.linspace(low, high, self.count), np.clip(self.near[pair], low, high)))

    def _brought(self, at: int, kind: int, factor: float) -> list[tuple[int, float]]:
        """What enters a place of one substance."""
        arcs, terms = self.arcs, []
        for arc in np.flatnonzero(arcs.end == at).tolist():
            if (arc, kind) in self.carried:
                terms.append((self.carried[arc, kind], factor))
            else:
                terms.append((arc, factor * float(arcs.outlet[arcs.start[arc], kind] / self.unit[kind])))
        return terms

    def _substances(self) -> None:
        """Inlets, and the substance balance of every place with an unknown outlet."""
        arcs = self.arcs
        for at in range(len(arcs.kind)):
            for kind in range(len(arcs.places.substances)):
                if arcs.kind[at] in TAKE and np.isfinite(arcs.inlet[at, kind]):
                    into = np.flatnonzero(arcs.end == at).tolist()
                    cap = [(arc, -float(arcs.inlet[at, kind] / self.unit[kind])) for arc in into]
                    self._add([*self._brought(at, kind, 1.0), *cap], -np.inf, 0.0)
        for at, kind in self.pairs:
            treats = arcs.kind[at] == "treatment"
            kept = 1.0 - np.nan_to_num(arcs.places.removal[arcs.own[at], kind]) if treats else 1.0
            load = 0.0 if treats else np.nan_to_num(arcs.places.load[arcs.own[at], kind])
            leaves = [(self.carried[arc, kind], 1.0) for arc in np.flatnonzero(arcs.start == at).tolist()]
            amount = float(load / self.unit[kind] / self.scale)
            self._add([*leaves, *self._brought(at, kind, -float(kept))], amount, amount)
