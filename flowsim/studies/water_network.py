"""Water network: the least fresh water when water is used again, with or without regeneration.

Places take water up to a highest concentration and give it at another. Where every concentration that is
given is known, the network is a linear programme: so for sources and sinks of fixed flow (Polley and Polley,
2000, Chem. Eng. Prog. 96(2), 47), and for one substance with operations of fixed load, which in an optimum
give their water at its highest allowed concentration (Savelski and Bagajewicz, 2000, Chem. Eng. Sci. 55,
5035). That answer is exact and agrees with the limiting composite curve (Wang and Smith, 1994, Chem. Eng.
Sci. 49, 981), which `target` computes by itself. With several substances see `water_search`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.studies.water_arcs import GIVE, TAKE, Arcs, Places
from flowsim.studies.water_search import bound, highest_outlets, search

if TYPE_CHECKING:
    import pandas as pd

SMALL = 1e-9
"""A flow below this share of all is none."""
EXACT = 1e-5
"""A bound nearer than this share proves the answer."""


@dataclass(frozen=True)
class WaterNetwork:
    """Who sends how much water to whom, and what all need from outside.

    ``flows``: from, to, flow, from_zone, to_zone and a column for each substance. ``places``: id, kind, flow
    and for each substance ``inlet`` and ``outlet`` concentration, as ``in_A`` and ``out_A``. ``bound``: no
    network needs less fresh water; ``gap``: how far the answer is above, relative. ``pinch``: the
    concentration that decides, of one substance and without treatment, else NaN. ``without_reuse``: fresh
    water if none is used twice. ``residual``: the largest gap of a water or substance balance, relative.
    """

    fresh: float
    waste: float
    treated: float
    without_reuse: float
    bound: float
    gap: float
    pinch: float
    flows: pd.DataFrame
    places: pd.DataFrame
    residual: float

    @property
    def exact(self) -> bool:
        """Whether it is proven that no network needs less fresh water."""
        return self.gap <= EXACT


def water_network(places: Places, *, seed: int = 0, time_limit: float = 20.0) -> WaterNetwork:
    """The network that needs the least fresh water, then treats least, then sends least across zones.

    Parameters
    ----------
    seed : of the starts of the search, with several substances
    time_limit : seconds for the bound from below, with several substances

    Raises
    ------
    InputError : no place that gives, or that takes; treatment once only where concentrations depend on flows
    Infeasible : some place cannot be served, or its water has no place to go
    """
    _check(places)
    arcs = Arcs(places)
    known = not places.bilinear
    flow, given = (arcs.best(arcs.outlet), arcs.outlet) if known else search(arcs, seed)
    if flow is None:
        raise arcs.unserved(given if known else highest_outlets(arcs))
    fresh = float(flow[arcs.from_fresh].sum())
    lowest = fresh if known else min(fresh, bound(arcs, flow, time_limit, EXACT))
    return _answer(arcs, flow, lowest, _pinch(places, fresh))


def _pinch(places: Places, fresh: float) -> float:
    """The pinch of the composite curves, where they say what the network needs; else NaN.

    They do not where fresh water is limited, water is treated or connections are forbidden.
    """
    if len(places.substances) != 1:
        return float("nan")
    wanted, pinch = target(places)
    return pinch if abs(wanted - fresh) <= EXACT * max(fresh, wanted) else float("nan")


def _check(places: Places) -> None:
    for kinds, what in ((GIVE, "gives"), (TAKE, "takes")):
        if not len(places.of(*kinds)):
            hint = f"State one of the kinds {', '.join(kinds)} under `waters:`."
            raise InputError(Problem(f"no place {what} water.", hint=hint))
    if not places.recycle and places.bilinear and len(places.of("treatment")):
        message = "treating water only once needs one substance, and treatments with a known outlet."
        raise InputError(Problem(message, hint="Allow recycling, or forbid single connections."))


def target(places: Places) -> tuple[float, float]:
    """Least fresh water and pinch concentration of one substance without treatment, by the composite curves.

    Up to any concentration C, fresh water must make up for what sinks (or uses) may not take of what sources
    bring: F (C - c) >= Σ sinks F max(C - inlet, 0) - Σ sources F max(C - outlet, 0), and the volumes must do
    (Wang and Smith, 1994; for fixed flows Hallale, 2002, Adv. Environ. Res. 6, 377). The fresh water is the
    cleanest that there is, without limit; every pair may connect.

    Raises
    ------
    InputError : several substances
    """
    if len(places.substances) != 1:
        raise InputError(Problem("composite curves are drawn for one substance."))
    inlet, outlet, load = places.inlet[:, 0], places.outlet[:, 0], places.load[:, 0]
    use, sink, source = places.of("use"), places.of("sink"), places.of("source")
    limiting = load[use] / (outlet[use] - inlet[use])
    need, have = (np.concatenate([places.flow[at], limiting]) for at in (sink, source))
    most = np.nan_to_num(np.concatenate([inlet[sink], inlet[use]]), nan=np.inf)
    given = np.concatenate([outlet[source], outlet[use]])
    clean = float(np.min(outlet[places.of("fresh")], initial=np.inf))
    level = np.unique(np.concatenate([most, given]))
    level = level[np.isfinite(level) & (level > clean)]
    lack = np.maximum(level[:, None] - most, 0) @ need - np.maximum(level[:, None] - given, 0) @ have
    wanted = np.append(lack / (level - clean), need.sum() - have.sum())
    worst = int(np.argmax(wanted))
    pinch = float(level[worst]) if worst < len(level) and wanted[worst] > 0 else float("nan")
    return max(0.0, float(wanted[worst])), pinch


def without_reuse(places: Places) -> float:
    """Fresh water if every sink and use took it alone: the largest need among the substances of each.

    NaN where fresh water alone is not clean enough.
    """
    fresh = places.outlet[places.of("fresh")]
    if not len(fresh):
        return float("nan")
    clean = fresh.min(axis=0)
    use, taking = places.of("use"), places.of("use", "sink")
    if (places.inlet[taking] < clean).any() or (places.outlet[use] <= clean).any():
        return float("nan")
    needed = np.nan_to_num(places.load[use] / (places.outlet[use] - clean)).max(axis=1, initial=0.0)
    return float(needed.sum() + places.flow[places.of("sink")].sum())


def _answer(arcs: Arcs, flow: np.ndarray, lowest: float, pinch: float) -> WaterNetwork:
    places = arcs.places
    flow = np.where(flow > SMALL * max(float(flow.sum()), 1e-300), flow, 0.0)
    gives = arcs.concentrations(flow)
    fresh = float(flow[arcs.from_fresh].sum())
    return WaterNetwork(
        fresh=fresh,
        waste=float(flow[arcs.kind[arcs.end] == "discharge"].sum()),
        treated=float(flow[arcs.to_treatment].sum()),
        without_reuse=without_reuse(places),
        bound=lowest,
        gap=max(0.0, (fresh - lowest) / fresh) if fresh > 0 else 0.0,
        pinch=pinch,
        flows=_flow_table(arcs, flow, gives),
        places=_place_table(arcs, flow, gives),
        residual=_residual(arcs, flow, gives),
    )


def _flow_table(arcs: Arcs, flow: np.ndarray, gives: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    places, used = arcs.places, np.flatnonzero(flow > 0)
    name, zone = np.array(places.id, dtype=object), np.array(places.zone, dtype=object)
    start, end = arcs.own[arcs.start[used]], arcs.own[arcs.end[used]]
    columns = {
        "from": name[start],
        "to": name[end],
        "flow": flow[used],
        "from_zone": zone[start],
        "to_zone": zone[end],
    }
    contents = {what: gives[arcs.start[used], at] for at, what in enumerate(places.substances)}
    return pd.DataFrame({**columns, **contents})


def _place_table(arcs: Arcs, flow: np.ndarray, gives: np.ndarray) -> pd.DataFrame:
    """Each place with the water that passes it and its concentrations; a use that is there twice, mixed."""
    import pandas as pd

    places, count = arcs.places, len(arcs.places.id)
    enters = np.bincount(arcs.own[arcs.end], flow, count)
    leaves = np.bincount(arcs.own[arcs.start], flow, count)
    columns = {"id": places.id, "kind": places.kind, "flow": np.maximum(enters, leaves)}
    for at, what in enumerate(places.substances):
        carried = flow * np.nan_to_num(gives[arcs.start, at])
        for side, ends, water in (("in", arcs.end, enters), ("out", arcs.start, leaves)):
            mass = np.bincount(arcs.own[ends], carried, count)
            columns[f"{side}_{what}"] = np.where(water > 0, mass / np.where(water > 0, water, 1.0), np.nan)
    return pd.DataFrame(columns)


def _residual(arcs: Arcs, flow: np.ndarray, gives: np.ndarray) -> float:
    """The largest gap of the balances of uses, sources and sinks, and of limits, relative to their size."""
    places, count = arcs.places, len(arcs.kind)
    enters, leaves = np.bincount(arcs.end, flow, count), np.bincount(arcs.start, flow, count)
    gaps = [0.0]
    for at, kind in enumerate(arcs.kind):
        own = arcs.own[at]
        if kind in ("use", "treatment") and enters[at] > 0:
            gaps.append(abs(enters[at] - leaves[at]) / enters[at])
        if kind in ("source", "sink") and places.flow[own] > 0:
            gaps.append(abs(max(enters[at], leaves[at]) - places.flow[own]) / places.flow[own])
        if kind == "discharge" or not enters[at] > 0:
            continue
        into = arcs.end == at
        taken = flow[into] @ np.nan_to_num(gives[arcs.start[into]]) / enters[at]
        over = taken - np.nan_to_num(arcs.inlet[at], nan=np.inf)
        gaps.append(float(np.max(over / np.maximum(np.nanmax(gives, axis=0), 1e-300), initial=0.0)))
    return float(max(gaps))
