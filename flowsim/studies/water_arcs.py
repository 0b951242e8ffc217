"""The connections of a water network, and the linear programme over their flows.

For assumed highest outlet concentrations the programme is linear, and its answer works: a place that gives
cleaner water than assumed harms none that takes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack

from flowsim.errors import Infeasible, Problem

GIVE, TAKE = ("fresh", "source", "use", "treatment"), ("sink", "use", "treatment", "discharge")
KINDS = (*GIVE, "sink", "discharge")
KEPT = 1e-9
"""A later stage may worsen what an earlier one reached by this share."""


@dataclass(frozen=True)
class Places:
    """Where water comes from and goes to: n places, s substances.

    ``flow`` (n): of a source and a sink the flow itself, of others their most (NaN: no limit), in m3/a or any
    one unit of volume per time. ``inlet`` (n, s): the highest concentration taken (NaN: any). ``outlet``
    (n, s): of fresh water and sources the concentration, of a use the highest, of a treatment what it leaves
    (NaN: the substance passes). ``load`` (n, s): what a use adds, flow times concentration. ``removal``
    (n, s): the share that a treatment takes out, in place of an outlet. ``zone`` (n): firm or site.
    ``forbid``: pairs (from, to) of positions. ``recycle``: treated water may come back to where it was used.
    """

    id: tuple[str, ...]
    kind: tuple[str, ...]
    substances: tuple[str, ...]
    flow: np.ndarray
    inlet: np.ndarray
    outlet: np.ndarray
    load: np.ndarray
    removal: np.ndarray
    zone: tuple[str, ...]
    forbid: tuple[tuple[int, int], ...] = ()
    recycle: bool = True

    def of(self, *kinds: str) -> np.ndarray:
        """Positions of the places of some kinds."""
        return np.array([at for at, kind in enumerate(self.kind) if kind in kinds], dtype=np.int64)

    @property
    def bilinear(self) -> bool:
        """Whether some concentrations depend on the flows: several substances, or a share removed."""
        treats = self.of("treatment")
        open_ended = ~np.isnan(self.removal[treats]) | np.isnan(self.outlet[treats])
        return len(self.substances) > 1 or bool(open_ended.any())


class Arcs:
    """All connections that may be. Position p stands for the place ``own[p]``.

    Without recycling every use is there twice, before and after treatment, and its load is shared.
    """

    def __init__(self, places: Places):
        self.places = places
        count = len(places.id)
        split = not places.recycle and len(places.of("treatment")) > 0
        twice = places.of("use") if split else places.of()
        self.own = np.concatenate([np.arange(count), twice])
        self.after = np.arange(len(self.own)) >= count
        self.kind = np.array(places.kind, dtype=object)[self.own]
        self.inlet = places.inlet[self.own]
        self.outlet = self._known_outlets()
        self.start, self.end = np.nonzero(self._allowed(split))
        zone = np.array(places.zone, dtype=object)[self.own]
        self.from_fresh = self.kind[self.start] == "fresh"
        self.to_treatment = self.kind[self.end] == "treatment"
        leaves = self.kind[self.end] == "discharge"
        self.across = (zone[self.start] != zone[self.end]) & ~self.from_fresh & ~leaves

    def _known_outlets(self) -> np.ndarray:
        """Concentrations known beforehand; NaN where they depend on the flows.

        Of one substance a use gives its water at its highest concentration (Savelski and Bagajewicz, 2000).
        """
        places = self.places
        known = np.where(np.isnan(places.removal), places.outlet, np.nan)
        known[places.of("sink", "discharge")] = 0.0
        if places.bilinear:
            known[places.of("use")] = np.nan
        return known[self.own]

    def _allowed(self, split: bool) -> np.ndarray:
        """(from, to) pairs that make sense and are not forbidden; treatments follow each other in order."""
        kind, order = self.kind, np.arange(len(self.own))
        fresh, treats, use = kind == "fresh", kind == "treatment", kind == "use"
        may = np.isin(kind, GIVE)[:, None] & np.isin(kind, TAKE) & (self.own[:, None] != self.own)
        may &= ~(fresh[:, None] & ((kind == "discharge") | treats))
        may &= ~(treats[:, None] & treats & (order[:, None] >= order))
        if split:
            may &= ~((self.after | treats)[:, None] & (use & ~self.after))
            may &= ~(self.after[:, None] & treats)
        for start, end in self.places.forbid:
            may &= ~((self.own == start)[:, None] & (self.own == end))
        return may

    def volumes(self) -> tuple[csr_array, np.ndarray, csr_array, np.ndarray]:
        """Water rows: ``equal @ flow = rhs`` and ``sums @ flow <= limit``."""
        count, arcs = len(self.kind), np.arange(len(self.start))
        leaves, enters = (
            csr_array(coo_array((np.ones(len(arcs)), (side, arcs)), shape=(count, len(arcs))))
            for side in (self.start, self.end)
        )
        flow = self.places.flow
        through = np.flatnonzero(np.isin(self.kind, ("use", "treatment")))
        source, sink = np.flatnonzero(self.kind == "source"), np.flatnonzero(self.kind == "sink")
        equal = csr_array(vstack([enters[through] - leaves[through], leaves[source], enters[sink]]))
        rhs = np.concatenate([np.zeros(len(through)), flow[source], flow[sink]])
        fixed = np.isin(np.array(self.places.kind, dtype=object), ("source", "sink"))
        limited = np.flatnonzero(np.isfinite(flow) & ~fixed)
        same = csr_array((self.own == limited[:, None]).astype(float))
        fresh = np.isin(np.array(self.places.kind, dtype=object)[limited], "fresh")
        sums = csr_array(vstack([same[fresh] @ leaves, same[~fresh] @ enters]))
        return equal, rhs, sums, np.concatenate([flow[limited[fresh]], flow[limited[~fresh]]])

    def quality(self, given: np.ndarray) -> tuple[csr_array, np.ndarray]:
        """Rows ``matrix @ flow <= right`` of inlets, loads and removals, each divided by its largest entry.

        ``given`` (positions, s) is what every place is assumed to give at most.
        """
        parts = [self.row(given, *row) for row in self.rows()]
        row = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
        columns, values = (np.concatenate([np.zeros(0), *(part[side] for part in parts)]) for side in (0, 1))
        shape = (len(parts), len(self.start))
        matrix = csr_array(coo_array((values, (row, columns.astype(np.int64))), shape=shape))
        unit = np.maximum(abs(matrix).max(axis=1).toarray().ravel() if len(parts) else np.zeros(0), 1e-300)
        right = np.array([-amount if sense == "load" else 0.0 for sense, _, _, amount in self.rows()])
        return csr_array(matrix.multiply(1 / unit[:, None])), right / unit

    def row(
        self, given: np.ndarray, sense: str, at: int, substance: int, amount: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """The arcs of one row of quality and their coefficients."""
        mine = np.flatnonzero(self.own[self.end] == self.own[at] if sense == "load" else self.end == at)
        before = given[self.start[mine], substance]
        if sense == "inlet":
            return mine, before - self.inlet[at, substance]
        kept = 1.0 - amount if sense == "removal" else 1.0
        return mine, kept * before - given[at, substance]

    def rows(self) -> Iterator[tuple[str, int, int, float]]:
        """Kind, position, substance and amount (load, or share removed) of every row of quality."""
        places = self.places
        for at, own in enumerate(self.own):
            for substance in range(len(places.substances)):
                if self.kind[at] in TAKE and np.isfinite(self.inlet[at, substance]):
                    yield "inlet", at, substance, 0.0
                if self.kind[at] == "use" and not self.after[at]:
                    yield "load", at, substance, float(np.nan_to_num(places.load[own, substance]))
                if self.kind[at] == "treatment" and np.isnan(self.outlet[at, substance]):
                    yield "removal", at, substance, float(np.nan_to_num(places.removal[own, substance]))

    def costs(self) -> list[np.ndarray]:
        """What is made least, in order: fresh water, treated water, water across zones, water moved."""
        return [
            part.astype(float)
            for part in (self.from_fresh, self.to_treatment, self.across, np.ones(len(self.start)))
        ]

    def best(self, given: np.ndarray, stages: int = 4) -> np.ndarray | None:
        """Flows for assumed outlets, stage after stage; nothing where none would do."""
        equal, rhs, sums, limit = self.volumes()
        matrix, right = self.quality(given)
        upper, most = csr_array(vstack([matrix, sums])), np.concatenate([right, limit])
        flow = None
        for cost in self.costs()[:stages]:
            found = least(cost, upper, most, equal, rhs)
            if found is None:
                return flow
            flow = found
            upper = csr_array(vstack([upper, csr_array(cost[None, :])]))
            most = np.append(most, cost @ flow * (1 + KEPT))
        return flow

    def concentrations(self, flow: np.ndarray) -> np.ndarray:
        """What each position gives for some flows, (positions, s); NaN where it gives nothing.

        Solves the substance balances of uses and treatments; what is known beforehand stays.
        """
        places, count = self.places, len(self.kind)
        out = np.where(np.isfinite(self.outlet), self.outlet, 0.0)
        enters = np.bincount(self.end, flow, count)
        mixed = coo_array((flow, (self.end, self.start)), shape=(count, count)).toarray()
        used = enters > 0
        for substance in range(len(places.substances)):
            free = used & ((self.kind == "use") | np.isnan(self.outlet[:, substance]))
            free &= np.isin(self.kind, ("use", "treatment"))
            kept = np.where(
                self.kind == "treatment", 1.0 - np.nan_to_num(places.removal[self.own, substance]), 1.0
            )
            load = np.nan_to_num(places.load[self.own, substance]) * self._part_of_load(mixed, substance)
            known = np.where(free, 0.0, out[:, substance])
            right = (kept * (mixed @ known) + load)[free]
            matrix = np.diag(enters[free]) - (kept[:, None] * mixed)[np.ix_(free, free)]
            out[free, substance] = np.linalg.solve(matrix, right) if free.any() else 0.0
        out[~used & np.isin(self.kind, ("use", "treatment"))] = np.nan
        return out

    def _part_of_load(self, mixed: np.ndarray, substance: int) -> np.ndarray:
        """The share of its load that each position carries: of a use there twice, what it can take."""
        use = self.kind == "use"
        if not self.after.any():
            return use.astype(float)
        given = self.outlet[:, substance]
        takes = np.where(use, mixed.sum(axis=1) * given - mixed @ given, 0.0)
        total = np.bincount(self.own, takes)[self.own]
        return np.where(use & (total > 0), takes / np.where(total > 0, total, 1.0), 0.0)

    def unserved(self, given: np.ndarray) -> Infeasible:
        """Which places fall short of water that is clean enough, or are left with water that none takes."""
        equal, rhs, sums, limit = self.volumes()
        matrix, right = self.quality(given)
        loads = [row for row, (sense, *_) in enumerate(self.rows()) if sense == "load"]
        soft = np.zeros((len(right), len(loads)))
        soft[loads, np.arange(len(loads))] = -1.0
        through = int(np.isin(self.kind, ("use", "treatment")).sum())
        short = np.zeros((len(rhs), len(rhs) - through))
        short[np.arange(through, len(rhs)), np.arange(len(rhs) - through)] = 1.0
        size, extra = len(self.start), soft.shape[1] + short.shape[1]
        from scipy.sparse import hstack

        found = least(
            np.append(np.zeros(size), np.ones(extra)),
            csr_array(
                vstack(
                    [
                        hstack([matrix, csr_array(soft), csr_array((len(right), short.shape[1]))]),
                        hstack([sums, csr_array((len(limit), extra))]),
                    ]
                )
            ),
            np.concatenate([right, limit]),
            csr_array(hstack([equal, csr_array((len(rhs), soft.shape[1])), csr_array(short)])),
            rhs,
        )
        ends = np.flatnonzero(np.isin(self.kind, ("source",))), np.flatnonzero(self.kind == "sink")
        places = [list(self.rows())[row][1] for row in loads] + [*ends[0], *ends[1]]
        problems = []
        for at, lack in zip(places, [] if found is None else found[size:], strict=False):
            if lack > 1e-7 * max(1.0, np.abs(rhs).max(initial=0.0)):
                problems.append(_lack(self.places, int(self.own[at])))
        hint = "Raise a limit, add fresh water, a treatment or a discharge."
        message = "no network can serve all places within their limits."
        return Infeasible(list(dict.fromkeys(problems)) or Problem(message, hint=hint))


def _lack(places: Places, at: int) -> Problem:
    name = places.id[at]
    if places.kind[at] == "source":
        hint = "Add a `discharge`, or a place that may take it."
        return Problem(f"`{name}` has water that no place may take.", hint=hint)
    hint = "Add cleaner fresh water or a treatment, or allow a higher `inlet`."
    return Problem(f"`{name}` cannot get enough water that is clean enough.", hint=hint)


def least(
    cost: np.ndarray,
    upper: csr_array,
    most: np.ndarray,
    equal: csr_array,
    rhs: np.ndarray,
    most_of: np.ndarray | None = None,
) -> np.ndarray | None:
    """The x >= 0 (and at most ``most_of``) that makes ``cost @ x`` least within the rows, or nothing."""
    from scipy.optimize import linprog

    scale = max(float(np.abs(np.concatenate([rhs, most[np.isfinite(most)]])).max(initial=0.0)), 1e-300)
    ends = np.full(len(cost), np.inf) if most_of is None else most_of / scale
    found = linprog(
        cost,
        A_ub=upper,
        b_ub=most / scale,
        A_eq=equal,
        b_eq=rhs / scale,
        bounds=np.column_stack([np.zeros(len(cost)), ends]),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return np.maximum(found.x, 0.0) * scale if found.status == 0 else None
