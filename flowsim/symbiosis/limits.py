"""What one more unit of a limit would bring, and which links could be exchanged at no loss."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from flowsim.progress import track
from flowsim.studies.programme import NoAnswer, Programme
from flowsim.symbiosis.case import columns_of, figure
from flowsim.symbiosis.optimise import Optimum, best

MOST = 20
"""Limits that are named, those first whose last thousandth matters most."""
MOST_RANGES = 60
"""Links whose range among equal answers is looked for."""
STEP = 1e-3
"""Share by which a limit is moved to see whether its shadow price holds."""
AGREES = 0.01
"""Shadow price and re-solved answer agree within this share."""


@dataclass(frozen=True)
class Limit:
    """A limit that binds. ``kind`` is capacity, link, flow or row; ``name`` the id that it is about.

    ``worth`` is the change of the objective for one more unit, re-solved with the limit moved; ``dual`` what
    the linear programme says of a very small step. ``unit`` is that of the limit.
    """

    kind: str
    name: str
    en: str
    zh: str
    limit: float
    unit: str
    worth: float
    dual: float


@dataclass(frozen=True)
class Range:
    """Between which amounts the use of a link could vary with the objective as good as it is."""

    link: str
    low: float
    high: float


def binding(optimum: Optimum) -> tuple[Limit, ...]:
    """The limits that bind the objective, the most worthwhile first; each is checked by moving it."""
    programme, answer = optimum.programme, optimum.answer
    system, unknowns = optimum.case.system, programme.unknowns
    rate = _rate(optimum)
    stated = np.zeros(unknowns, dtype=bool)
    stated[system.matrix[system.rows.kind == "given"].indices] = True
    columns = np.flatnonzero((np.abs(answer.upper[:unknowns]) > 0) & np.isfinite(system.upper) & ~stated)
    columns = columns[
        np.isclose(programme.upper[columns], system.upper[columns]) & (system.upper[columns] > 0)
    ]
    first = system.matrix.shape[0]
    rows = first + np.flatnonzero(answer.rows[first : first + system.upper_matrix.shape[0]])
    found = [(abs(answer.upper[c]) * system.upper[c], "column", int(c)) for c in columns]
    found += [(abs(answer.rows[r]) * _row_size(programme, r, answer.x), "row", int(r)) for r in rows]
    least = 1e-9 * float(np.abs(columns_of(optimum.case, optimum.objective)[0]) @ np.abs(answer.x))
    found = sorted((item for item in found if item[0] > least), key=lambda item: (-item[0], item[1:]))
    limits = []
    for _, what, at in track(found[:MOST], "limits"):
        dual = rate * (answer.upper[at] if what == "column" else answer.rows[at])
        limits.append(_limit(optimum, what, at, float(dual)))
    return tuple(limits)


def _rate(optimum: Optimum) -> float:
    """From the derivative of what was minimised to that of the objective as its reader knows it."""
    goal = optimum.objective
    size = 1.0 if goal.bottom is None else float(goal.bottom @ optimum.answer.x[: optimum.programme.unknowns])
    return goal.sense * goal.scale / size


def _row_size(programme: Programme, row: int, x: np.ndarray) -> float:
    return float((abs(programme.matrix[[row]]) @ np.abs(x))[0]) / 2


def _limit(optimum: Optimum, what: str, at: int, dual: float) -> Limit:
    system, programme = optimum.case.system, optimum.programme
    if what == "column":
        limit, unit, kind, name, en, zh = _of_column(optimum, at)
        step = STEP * limit
        upper = programme.upper.copy()
        upper[at] += step
        moved = programme.with_bounds(upper=upper)
    else:
        row = at - system.matrix.shape[0]
        flow, process = int(system.upper_rows.flow[row]), int(system.upper_rows.process[row])
        kind, limit = "row", float("nan")
        unit = _unit(optimum, flow) if flow >= 0 else "t/a"
        name = str(system.flows["id"].iloc[flow] if flow >= 0 else system.processes["id"].iloc[process])
        en, zh = (_named(optimum, flow, process, lang) for lang in ("en", "zh"))
        step = STEP * _row_size(programme, at, optimum.answer.x)
        high = programme.high.copy()
        high[at] += step
        moved = replace(programme, high=high)
    try:
        after = figure(optimum.case, optimum.objective, best(optimum.case, optimum.objective, moved).x)
        worth = (after - optimum.planned) / step
    except NoAnswer:
        worth = dual
    return Limit(kind, name, en, zh, limit, unit, worth, dual)


def _of_column(optimum: Optimum, column: int) -> tuple[float, str, str, str, str, str]:
    system = optimum.case.system
    at, limit = int(system.unknown_at[column]), float(system.upper[column])
    if system.unknown_kind[column] == "activity":
        place = system.processes.iloc[at]
        unit = system.goods.set_index("id")["unit"].get(place["good"], "t")
        return limit, f"{unit}/a", "capacity", str(place["id"]), str(place["en"]), str(place["zh"])
    kind = "link" if system.flows["how"].iloc[at] == "link" else "flow"
    en, zh = (_named(optimum, at, -1, lang) for lang in ("en", "zh"))
    return limit, _unit(optimum, at), kind, str(system.flows["id"].iloc[at]), en, zh


def _named(optimum: Optimum, flow: int, process: int, lang: str) -> str:
    system = optimum.case.system
    if flow < 0:
        return str(system.processes[lang].iloc[process])
    return str(system.flows[lang].iloc[flow]) or system.flow_name(flow, lang)


def _unit(optimum: Optimum, flow: int) -> str:
    system = optimum.case.system
    return f"{system.goods['unit'].iloc[int(system.flows['good_at'].iloc[flow])]}/a"


def what_binds(optimum: Optimum) -> tuple[str, ...]:
    """For each candidate what keeps more from flowing over it in the programme: ``limit``, ``share``
    of an input, ``capacity`` of the taker, ``supply`` (all that the giver has), ``need`` (all that the taker
    buys), ``goal`` (more would not help), or nothing where it is closed.
    """
    case = optimum.case
    system, x = case.system, optimum.answer.x[: optimum.programme.unknowns]
    flows = system.flows
    small = 1e-6 * np.maximum(np.abs(x), 1e-9 * np.abs(x).max(initial=1.0))
    upper = np.where(np.isfinite(system.upper), system.upper, np.finfo(float).max)
    full = x >= upper * (1 - 1e-6)
    slack = system.upper_rhs - system.upper_matrix @ x
    tight = np.flatnonzero(slack <= 1e-6 * np.maximum(abs(system.upper_matrix) @ np.abs(x), 1e-9))
    shared = np.zeros(len(x), dtype=bool)
    shared[system.upper_matrix[tight].indices] = True
    busy = np.zeros(len(system.processes), dtype=bool)
    busy[system.unknown_at[full & (system.unknown_kind == "activity")]] = True
    runs = x[: len(flows)] > small[: len(flows)]
    outside = system.processes["outside"].to_numpy()
    target, source = flows["to_at"].to_numpy(), flows["from_at"].to_numpy()
    out, into = flows["out_node"].to_numpy(), flows["in_node"].to_numpy()
    sent, bought = set(out[runs & outside[target]]), set(into[runs & outside[source]])
    said = []
    for flow, is_open in zip(case.at, optimum.opened, strict=True):
        causes = {
            "limit": full[flow],
            "share": shared[flow],
            "capacity": busy[target[flow]],
            "supply": out[flow] not in sent,
            "need": into[flow] not in bought,
        }
        said.append(next((cause for cause, holds in causes.items() if holds), "goal") if is_open else "")
    return tuple(said)


def ranges(optimum: Optimum) -> tuple[tuple[Range, ...], int]:
    """Links whose use could be another at the same objective, and how many links were not looked at."""
    case, answer = optimum.case, optimum.answer
    held = optimum.programme.at_best(answer)
    flows = case.at
    open_to = held.upper[flows] - held.lower[flows] > 1e-9 * np.maximum(held.size[flows], 1e-9)
    loose = np.flatnonzero(open_to)
    found = []
    for at in track(loose[:MOST_RANGES], "alternatives"):
        cost = np.zeros(len(held.size))
        ends = []
        for sign in (1.0, -1.0):
            cost[flows[at]] = sign
            try:
                ends.append(float(held.minimise(cost).x[flows[at]]))
            except NoAnswer:
                ends.append(float(answer.x[flows[at]]) if sign > 0 else float("inf"))
        size = max(abs(end) for end in ends)
        if ends[1] - ends[0] > 1e-6 * max(size, held.size[flows[at]]):
            found.append(Range(case.links[at], max(ends[0], 0.0), ends[1]))
    return tuple(found), max(0, len(loose) - MOST_RANGES)
