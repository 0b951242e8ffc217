"""What a reconciliation has to say beyond its numbers: why there is none, and what bounds leave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from scipy.sparse import block_diag, csr_array, dia_array, eye_array, hstack, vstack

from flowsim.errors import Contradiction, Infeasible, NotClosed, Problem
from flowsim.studies.adjust import State
from flowsim.studies.solve import AGREES, MOST_INTERVALS, MOST_NAMED, STATED
from flowsim.studies.structure import decompose
from flowsim.system import System
from flowsim.uncertainty import NORMAL_95

if TYPE_CHECKING:
    import pandas as pd

MOST_TOGETHER = 20_000
"""Columns of small linear programmes that are solved as one."""


def moved_system(system: System, data: pd.DataFrame, u: np.ndarray) -> System:
    """The system with every datum at its reconciled value, so that the answer obeys all rows."""
    rows = system.rows
    place = np.full(int(rows.datum.max(initial=-1)) + 2, -1)
    place[data["datum"].to_numpy(dtype=np.int64)] = np.arange(len(data))
    shift = np.append(data["sd"].to_numpy(dtype=float) * u, 0.0)[place[rows.datum]]
    given = rows.kind == "given"
    bent = np.where(given, 0.0, shift)
    matrix = system.matrix + csr_array(dia_array((bent[None, :], [0]), shape=(len(bent),) * 2) @ system.slope)
    rhs = system.rhs + np.where(given, shift, 0.0)
    return replace(system, matrix=csr_array(matrix), rhs=rhs, rows=replace(rows, value=rows.value + shift))


def check_rows(system: System, moved: System, x: np.ndarray) -> None:
    """Rows that were left out because they repeat others must hold too."""
    size = np.maximum(abs(moved.matrix) @ np.abs(x), np.abs(moved.rhs))
    wrong = np.abs(moved.matrix @ x - moved.rhs) > AGREES * np.maximum(size, 1e-9 * size.max(initial=1.0))
    if wrong.any():
        raise_contradiction(system, np.isnan(system.rows.sd))


def raise_failure(system: System, exact: np.ndarray, state: State) -> NoReturn:
    """Say why there is no minimum: exact facts that conflict, bounds without room, or too many steps."""
    raise_contradiction(system, exact)
    raise_infeasible(system, exact)
    message = (
        f"no minimum was found in {state.steps} steps: rows are off by {state.feasibility:.1e} of their "
        f"size, the slope of the objective by {state.stationarity:.1e}."
    )
    hint = "Look for processes with almost no throughput, or for data that are off by orders of magnitude."
    raise NotClosed(Problem(message, str(system.about["file"]), hint=hint))


def raise_contradiction(system: System, exact: np.ndarray) -> None:
    """Raise `Contradiction` if the exact rows cannot all hold: the smallest set, the gap, what would mend it.

    Weights y with ``Aᵀ y = 0`` and ``bᵀ y ≠ 0`` prove it (Farkas); the proof with the least sum of weights
    has no idle row. The gap is ``bᵀ y`` with the first given amount weighted by one.
    """
    found = _proof(system, np.flatnonzero(exact))
    if found is None:
        return
    members, weight = found
    rows = system.rows
    given = rows.kind[members] == "given"
    lead = weight[given][0] if given.any() else weight[np.abs(weight).argmax()]
    weight = weight / lead
    gap = float(weight @ system.rhs[members])
    stated = np.isin(rows.kind[members], STATED)
    order = np.lexsort((members, ~given, ~stated))
    count = int(stated.sum())
    what = f"{count} facts" if count > 1 else f"{len(members)} rows"
    hint = "Mend or drop one of those listed here, or state its uncertainty."
    problems = [Problem(f"{what} that are stated as exact cannot all hold; the gap is {gap:.6g}.", hint=hint)]
    for at in order[: min(MOST_NAMED, max(count, 3))]:
        row = int(members[at])
        mended = float(system.rhs[row] - gap / weight[at])
        mend = f"{mended:.6g} would mend it." if given[at] and mended >= 0 else ""
        problems.append(Problem(system.row_text(row), str(rows.file[row]), int(rows.line[row]), mend))
    raise Contradiction(problems)


def _proof(system: System, exact: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows and weights that prove a contradiction among exact rows, or nothing."""
    from scipy.optimize import linprog

    over = exact[decompose(csr_array(system.matrix[exact])).over]
    if not len(over):
        return None
    matrix = csr_array(system.matrix[over])
    size = float(np.abs(system.rhs[over]).max(initial=0.0))
    if not size:
        return None
    columns = csr_array(matrix[:, np.unique(matrix.indices)]).T
    equal = vstack([columns, csr_array(system.rhs[over][None, :] / size)])
    cost = np.where(np.isin(system.rows.kind[over], STATED), 1.0, 0.01)
    target = np.append(np.zeros(columns.shape[0]), 1.0)
    found = linprog(np.tile(cost, 2), A_eq=hstack([equal, -equal]), b_eq=target, method="highs-ds")
    if found.status != 0:
        return None
    weight = found.x[: len(over)] - found.x[len(over) :]
    members = np.abs(weight) > 1e-7 * np.abs(weight).max()
    involved = size * np.abs(weight[members]).max()
    return (over[members], weight[members]) if size > AGREES * involved else None


def raise_infeasible(system: System, exact: np.ndarray) -> None:
    """Raise `Infeasible` if the exact rows cannot hold within the bounds, naming those in the way."""
    from scipy.optimize import linprog

    columns = system.matrix.shape[1]
    size = max(float(np.abs(system.rhs).max(initial=0.0)), 1.0)
    low = np.flatnonzero(np.isfinite(system.lower))
    high = np.flatnonzero(np.isfinite(system.upper))
    limits = len(system.upper_rhs)
    held = vstack(
        [-eye_array(columns, format="csr")[low], eye_array(columns, format="csr")[high], system.upper_matrix]
    )
    slack = held.shape[0]
    bound = np.concatenate([-system.lower[low], system.upper[high], system.upper_rhs]) / size
    equal = csr_array(system.matrix[np.flatnonzero(exact)])
    found = linprog(
        np.concatenate([np.zeros(columns), np.ones(slack)]),
        hstack([held, -eye_array(slack)]), bound,
        hstack([equal, csr_array((equal.shape[0], slack))]), system.rhs[exact] / size,
        np.column_stack([np.repeat([-np.inf, 0.0], [columns, slack]), np.full(columns + slack, np.inf)]),
        method="highs",
    )  # fmt: skip
    if found.status != 0 or found.fun < 1e-7:
        return
    problems = [
        Problem(
            "the exact facts leave no answer within the bounds.",
            hint="Lift one of these bounds, or mend a fact.",
        )
    ]
    excess = found.x[columns:] * size
    for at in np.flatnonzero(excess > 1e-7 * size):
        if at >= slack - limits:
            text = system.row_text(int(at - slack + limits), upper=True)
        else:
            column = int(np.concatenate([low, high])[at])
            value = system.lower[column] if at < len(low) else system.upper[column]
            text = f"{system._short(column)} {'≥' if at < len(low) else '≤'} {value:.6g}"
        problems.append(Problem(f"{text} is missed by {excess[at]:.6g}."))
    raise Infeasible(problems[: MOST_NAMED + 1])


class _Open:
    """What rows, limits and bounds say of the undetermined unknowns, the others being known."""

    def __init__(self, system: System, x: np.ndarray):
        self.columns = np.flatnonzero(np.isnan(x))
        known = np.nan_to_num(x)
        self.size = max(float(np.abs(known).max(initial=0.0)), 1e-300)
        self.blocks = []
        for matrix, rhs in ((system.upper_matrix, system.upper_rhs), (system.matrix, system.rhs)):
            inside = csr_array(matrix[:, self.columns])
            touched = np.flatnonzero(np.diff(inside.indptr))
            self.blocks.append((csr_array(inside[touched]), (rhs - matrix @ known)[touched] / self.size))
        ends = system.lower[self.columns], system.upper[self.columns]
        self.bounds = np.column_stack(ends) / self.size

    def programme(self, chosen: np.ndarray) -> dict[str, Any]:
        """Arguments of a linear programme in some of the columns, which no row ties to others."""
        out: dict[str, Any] = {"bounds": self.bounds[chosen]}
        for (matrix, rhs), name in zip(self.blocks, ("ub", "eq"), strict=True):
            mine = csr_array(matrix[:, chosen])
            rows = np.flatnonzero(np.diff(mine.indptr))
            out[f"A_{name}"], out[f"b_{name}"] = mine[rows], rhs[rows]
        return out


def room(system: System, x: np.ndarray) -> np.ndarray | None:
    """The unknowns with values for the undetermined ones that keep all bounds, or nothing if there are
    none."""
    from scipy.optimize import linprog

    part = _Open(system, x)
    if not len(part.columns):
        return x
    every = np.arange(len(part.columns))
    found = linprog(np.zeros(len(every)), **part.programme(every), method="highs")
    if found.status != 0:
        return None
    filled = x.copy()
    filled[part.columns] = found.x * part.size
    return filled


def intervals(system: System, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interval that rows, limits and bounds leave each undetermined unknown, by two programmes each."""
    low, high = np.full(len(x), np.nan), np.full(len(x), np.nan)
    part = _Open(system, x)
    chosen = np.arange(len(part.columns))[:MOST_INTERVALS]
    if not len(chosen):
        return low, high
    group = _groups(csr_array(vstack([matrix for matrix, _ in part.blocks])))
    chosen = chosen[np.argsort(group[chosen], kind="stable")]
    members = {int(label): np.flatnonzero(group == label) for label in np.unique(group[chosen])}
    programmes = {label: part.programme(mine) for label, mine in members.items()}
    labels = group[chosen].tolist()
    for sign, into in ((1.0, low), (-1.0, high)):
        costs = [sign * (members[label] == at) for label, at in zip(labels, chosen, strict=True)]
        least = _least([(programmes[label], cost) for label, cost in zip(labels, costs, strict=True)])
        into[part.columns[chosen]] = sign * part.size * np.array(least)
    return low, high


def _least(work: list[tuple[dict[str, Any], np.ndarray]]) -> list[float]:
    """Least value of a cost in each of several linear programmes; minus infinity where there is none.

    They stand side by side in one programme, for a call costs more than a small programme does. One that
    has no minimum is found by halves.
    """
    from scipy.optimize import linprog

    sizes = [len(cost) for _, cost in work]
    if len(work) > 1 and sum(sizes) > MOST_TOGETHER:
        return _least(work[: len(work) // 2]) + _least(work[len(work) // 2 :])
    cost = np.concatenate([cost for _, cost in work])
    together: dict[str, Any] = {"bounds": np.vstack([one["bounds"] for one, _ in work])}
    for name in ("ub", "eq"):
        together[f"A_{name}"] = block_diag([one[f"A_{name}"] for one, _ in work], format="csr")
        together[f"b_{name}"] = np.concatenate([one[f"b_{name}"] for one, _ in work])
    found = linprog(cost, **together, method="highs")
    if found.status == 0:
        return [float(part.sum()) for part in np.split(cost * found.x, np.cumsum(sizes)[:-1])]
    if len(work) == 1:
        return [-np.inf if found.status == 3 else np.nan]
    return _least(work[: len(work) // 2]) + _least(work[len(work) // 2 :])


def _groups(matrix: csr_array) -> np.ndarray:
    """Columns that rows tie together have the same label."""
    from scipy.sparse.csgraph import connected_components

    return connected_components(csr_array(matrix.T @ matrix), directed=False)[1]


def units_of(system: System, stated: np.ndarray) -> list[str]:
    """Unit of the number that each of some rows states; ``1`` for shares."""
    rows, goods = system.rows, system.goods["unit"].to_numpy(dtype=object)
    own = _units(system)

    def unit(row: int) -> str:
        if rows.kind[row] in ("transfer", "share", "content"):
            return "1"
        if rows.kind[row] == "recipe":
            return f"{goods[rows.good[row]]}/{_activity_unit(system, int(rows.process[row]))}"
        return str(own[system.matrix.indices[system.matrix.indptr[row]]])

    return [unit(row) for row in stated.tolist()]


def _activity_unit(system: System, process: int) -> str:
    good = system.processes["good"].iloc[process]
    found = system.goods["unit"][system.goods["id"] == good]
    return str(found.iloc[0]) if len(found) else "t"


def value_table(
    system: System, x: np.ndarray, sd: np.ndarray, low: np.ndarray, high: np.ndarray, measured: dict[int, str]
) -> pd.DataFrame:
    """One row an unknown: id, names, layer, unit, class, value, sd, low, high.

    ``low`` and ``high`` are the 95 % interval of normal theory where the value is determined, else what the
    bounds leave. ``measured`` maps unknowns to the class of their datum.
    """
    import pandas as pd

    rows = system.rows
    exact = np.flatnonzero((rows.kind == "given") & np.isnan(rows.sd))
    classes = np.where(np.isnan(x), "unobservable", "deduced").astype(object)
    classes[system.matrix.indices[system.matrix.indptr[exact]]] = "exact"
    for column, name in measured.items():
        classes[column] = name if not np.isnan(x[column]) else "unobservable"
    half = NORMAL_95 * sd
    return pd.DataFrame(
        {
            **_labels(system),
            "kind": system.unknown_kind,
            "layer": system.unknown_layer,
            "unit": _units(system),
            "class": classes,
            "value": x,
            "sd": sd,
            "low": np.where(np.isnan(x), low, x - half),
            "high": np.where(np.isnan(x), high, x + half),
        }
    )


def _labels(system: System) -> dict[str, np.ndarray]:
    """Id, English and Chinese name of every unknown, all at once."""
    flows, processes, goods = system.flows, system.processes, system.goods
    at, kind, layer = system.unknown_at, system.unknown_kind, system.unknown_layer
    flow = kind == "flow"
    inner = flow & (layer != "base")
    out = {"id": np.array(system.names(range(len(at))), dtype=object)}
    for lang, said in (
        ("en", ("activity of ", "", "stock change of ", "stock of ", " in ")),
        ("zh", ("", "的运行量", "存量变化", "存量", "的")),
    ):
        place = processes[lang].to_numpy(dtype=object)
        good = goods[lang].to_numpy(dtype=object)[flows["good_at"]]
        drawn = good + " (" + place[flows["from_at"]] + " → " + place[flows["to_at"]] + ")"
        name, of = _taken(drawn, at, flow), _taken(place, at, ~flow)
        within = layer + " in " + name if lang == "en" else name + "中的" + layer
        what = np.where(kind == "stock", said[3], said[2]).astype(object)
        stock = (
            what + layer + said[4] + of
            if lang == "en"
            else of + said[4] + np.where(layer == "mass", "", layer) + what
        )
        other = np.where(kind == "activity", said[0] + of + said[1], stock)
        out[lang] = np.where(inner, within, np.where(flow, name, other))
    return out


def _taken(names: Any, at: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Names at some positions, ``""`` for the others."""
    out = np.full(len(at), "", dtype=object)
    out[chosen] = np.asarray(names, dtype=object)[at[chosen]]
    return out


def _units(system: System) -> np.ndarray:
    """Unit of every unknown."""
    own = system.goods["unit"].to_numpy(dtype=object)[system.flows["good_at"]]
    out = _taken(own, system.unknown_at, (system.unknown_kind == "flow") & (system.unknown_layer == "base"))
    for column in np.flatnonzero(system.unknown_kind == "activity"):
        out[column] = _activity_unit(system, int(system.unknown_at[column]))
    return np.where(out == "", "t", out) + np.where(system.unknown_kind == "stock", "", "/a")


def exact_rows(system: System, data: pd.DataFrame) -> np.ndarray:
    """Rows of the system that state no uncertain number."""
    return ~np.isin(system.rows.datum, data["datum"].to_numpy(dtype=np.int64)) | (system.rows.datum < 0)
