"""`trace`: an indicator to its flows, a flow to the facts that fix it, a fact to its file and source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from flowsim.errors import InputError, Problem
from flowsim.indicators import Value, evaluate, known
from flowsim.result import FORMAT, Result, finite, records
from flowsim.studies.solve import Determined, Singular, determine
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.system import System

MOST_ROWS = 40
"""Rows of a trace beyond this number are not listed."""
MOST_SHARED = 30
"""Ties that a trace takes as decided before it gives up."""


@dataclass(frozen=True)
class Trace:
    """Where a number comes from.

    Attributes
    ----------
    subject : id of the indicator or flow; ``kind`` says which
    value : the indicator's value and terms, or None
    flows : table of the flows behind it: id, en, zh, part (numerator, denominator, left out), amount, unit,
        contribution, share, file, line, source
    drivers : table of what drives a flow: text, text_zh, value, contribution, file, line, source; they add up
        to it
    rows : table of the coefficients on the way: text, text_zh, file, line, source
    """

    subject: str
    kind: str
    en: str
    zh: str
    amount: float
    unit: str
    value: Value | None
    flows: pd.DataFrame
    drivers: pd.DataFrame
    rows: pd.DataFrame

    def as_json(self) -> dict[str, Any]:
        """The trace in the documented layout (docs/json.md)."""
        value = self.value
        return {
            "flowsim_json": FORMAT,
            "kind": "trace",
            "subject": self.subject,
            "subject_kind": self.kind,
            "en": self.en,
            "zh": self.zh,
            "amount": finite(self.amount),
            "unit": self.unit,
            "numerator": finite(value.numerator) if value else None,
            "denominator": finite(value.denominator) if value else None,
            "formula": value.indicator.formula if value else None,
            "clause": value.indicator.clause if value else None,
            "reason": value.reason or None if value else None,
            "reason_zh": value.reason_zh or None if value else None,
            "flows": records(self.flows),
            "drivers": records(self.drivers),
            "rows": records(self.rows),
        }


def trace(
    result: Result,
    name: str,
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> Trace:
    """Where an indicator or a flow comes from.

    Parameters
    ----------
    name : an indicator id, a flow id, or a good that only one flow carries
    inputs : figures that no flow carries (`flowsim.indicators.inputs.INPUTS`)
    sets : sets of factors, as in `flowsim.indicators.evaluate`

    Raises
    ------
    InputError : no indicator, flow or good of that name, or a good that several flows carry
    """
    if name in {indicator.id for indicator in known()}:
        return _trace_indicator(result, evaluate(result, [name], boundary, inputs=inputs, sets=sets)[0])
    return _trace_flow(result, _flow_called(result, name))


def _flow_called(result: Result, name: str) -> int:
    flows = result.system.flows
    found = np.flatnonzero((flows["id"] == name).to_numpy())
    if not len(found):
        found = np.flatnonzero((flows["good"] == name).to_numpy())
    if len(found) == 1:
        return int(found[0])
    if len(found) > 1:
        listed = ", ".join(f"`{one}`" for one in flows["id"].iloc[found[:12]])
        raise InputError(Problem(f"{len(found)} flows carry `{name}`: {listed}.", hint="Name one of them."))
    every = [*(indicator.id for indicator in known()), *flows["id"], *flows["good"]]
    hint = nearest(name, every) or "`flowsim run` lists the flows."
    raise InputError(Problem(f"there is no indicator or flow `{name}`.", hint=hint))


def _trace_indicator(result: Result, value: Value) -> Trace:
    import pandas as pd

    parts = []
    if value.terms is not None:
        sides: list[tuple[str, np.ndarray | None, float]] = [
            ("numerator", value.terms.numerator, value.numerator),
            ("denominator", value.terms.denominator, value.denominator),
        ]
        for part, weights, total in sides:
            if weights is not None:
                parts.append(_flow_rows(result, part, weights, total))
        for rule, mask in value.terms.left_out:
            parts.append(_flow_rows(result, f"left out: {rule}", np.where(mask, result.amounts, 0.0), np.nan))
    if value.figure is not None:
        parts.append(_flow_rows(result, "read", np.where(value.figure.flows, result.amounts, 0.0), np.nan))
    flows = (
        pd.concat(parts, ignore_index=True)
        if parts
        else _flow_rows(result, "", np.zeros(len(result.amounts)), 0.0)
    )
    indicator = value.indicator
    empty = flows.iloc[:0]
    names = indicator.id, "indicator", indicator.en, indicator.zh
    return Trace(*names, value.value, indicator.unit, value, flows, empty, empty)


def _flow_rows(result: Result, part: str, weights: np.ndarray, total: float) -> pd.DataFrame:
    """The flows that add to one side of an indicator, largest first."""
    import pandas as pd

    system = result.system
    at = np.flatnonzero(weights)
    at = at[np.argsort(-np.abs(weights[at]), kind="stable")]
    table = system.flows.iloc[at]
    units = (
        system.goods["unit"].to_numpy()[table["good_at"].to_numpy()] if len(at) else np.empty(0, dtype=object)
    )
    return pd.DataFrame(
        {
            "part": part,
            "id": table["id"].to_numpy(),
            "en": system.flow_names("en", at),
            "zh": system.flow_names("zh", at),
            "how": result.how()[at],
            "amount": result.amounts[at],
            "unit": [f"{unit}/a" for unit in units],
            "contribution": weights[at],
            "share": weights[at] / total if total else np.nan,
            "file": table["file"].to_numpy(),
            "line": table["line"].to_numpy(),
            "source": table["source"].to_numpy(),
        }
    )


def _trace_flow(result: Result, flow: int) -> Trace:
    import pandas as pd

    system = result.system
    row = system.flows.iloc[flow]
    unit = f"{system.goods['unit'].iloc[int(row['good_at'])]}/a"
    drivers, coefficients = _facts_behind(result, flow)
    return Trace(
        subject=str(row["id"]),
        kind="flow",
        en=system.flow_name(flow, "en"),
        zh=system.flow_name(flow, "zh"),
        amount=float(result.amounts[flow]),
        unit=unit,
        value=None,
        flows=_flow_rows(
            result, "flow", np.where(np.arange(len(system.flows)) == flow, result.amounts, 0.0), np.nan
        ),
        drivers=pd.DataFrame(
            drivers, columns=["text", "text_zh", "value", "contribution", "file", "line", "source"]
        ),
        rows=pd.DataFrame(coefficients, columns=["text", "text_zh", "file", "line", "source"]),
    )


@dataclass(frozen=True)
class _Held:
    """The rows of a result with a slack for each limit, and which unknowns a bound or a tie holds."""

    matrix: csr_array
    rhs: np.ndarray
    x: np.ndarray
    held: np.ndarray
    shared: np.ndarray


def _held(result: Result) -> _Held:
    """An unknown at one of its bounds is held there."""
    system = result.system
    slack = system.upper_matrix.shape[0]
    top = hstack([system.matrix, csr_array((system.matrix.shape[0], slack))])
    matrix = csr_array(vstack([top, hstack([system.upper_matrix, eye_array(slack)])]))
    x = np.concatenate([result.x, system.upper_rhs - system.upper_matrix @ result.x])
    lower = np.concatenate([system.lower, np.zeros(slack)])
    upper = np.concatenate([system.upper, np.full(slack, np.inf)])
    near = 1e-9 * max(1.0, float(np.nanmax(np.abs(result.x), initial=0.0)))
    held = (x <= lower + near) | (x >= upper - near)
    return _Held(
        matrix, np.concatenate([system.rhs, system.upper_rhs]), x, held, np.zeros(len(x), dtype=bool)
    )


def _hold_ties(system: System, state: _Held, flow: int) -> tuple[Determined, np.ndarray] | None:
    """Take shares of rivals as given, those inside first, until the rows determine the flow.

    Returns what is determined and its columns; None where the merit order decides the flow itself.
    """
    flows, outside = system.flows, system.processes["outside"].to_numpy()
    contested = flows["contested"].to_numpy()
    crossing = outside[flows["from_at"]] | outside[flows["to_at"]]
    for _ in range(MOST_SHARED):
        free = np.flatnonzero(~state.held & ~np.isnan(state.x))
        known = np.where(state.held, state.x, 0.0)
        try:
            part = determine(csr_array(state.matrix[:, free]), state.rhs - state.matrix @ known)
            if flow in free[part.columns]:
                return part, free[part.columns]
            loose = np.setdiff1d(free, free[part.columns])
        except Singular as loop:
            loose = free[loop.columns]
        loose = loose[(loose < len(contested)) & (loose != flow)]
        loose = loose[contested[loose]]
        if not len(loose):
            return None
        first = loose[np.argsort(crossing[loose], kind="stable")[0]]
        state.held[first] = state.shared[first] = True
    return None


def _facts_behind(result: Result, flow: int) -> tuple[list[list[Any]], list[list[Any]]]:
    """Drivers and coefficients of one flow, by the adjoint of the rows and bounds that hold.

    ``x_f = Σ_r y_r b_r + Σ_j z_j x_j`` with ``y`` from ``Aᵀ y = e_f`` over the unknowns that no bound
    holds: a given amount, a limit or a capacity drives, a row with y ≠ 0 carries. Where rivals share in
    proportion, the share of one of them is taken as given.
    """
    system, state = result.system, _held(result)
    texts = _Texts(system, state.shared)
    value = float(result.x[flow])
    if np.isnan(value):
        return [], []
    found = None if state.held[flow] else _hold_ties(system, state, flow)
    if found is None:
        state.shared[flow] = not state.held[flow]
        return [texts.bound(flow, value, value)], []
    part, columns = found
    weight = part.factor.solve((columns == flow).astype(float), transposed=True)
    weight[np.abs(weight) < 1e-11 * np.abs(weight).max(initial=1.0)] = 0.0
    used, weight = part.rows[weight != 0], weight[weight != 0]
    rhs, x = state.rhs[used], np.where(state.held & np.isfinite(state.x), state.x, 0.0)
    drivers = [
        texts.row(int(row), float(b), float(b * factor))
        for row, b, factor in zip(used, rhs, weight, strict=True)
        if b != 0
    ]
    pull = -(weight @ state.matrix[used]) * x
    drivers += [
        texts.bound(int(column), float(x[column]), float(pull[column])) for column in np.flatnonzero(pull)
    ]
    order = used[np.argsort(-np.abs(weight), kind="stable")]
    carriers = [int(row) for row in order if row >= len(system.rows.kind) or system.rows.kind[row] != "given"]
    return _largest(drivers), [texts.carrier(row) for row in carriers[:MOST_ROWS]]


def _largest(drivers: list[list[Any]]) -> list[list[Any]]:
    """The largest drivers first, the many small ones added up, so that all of them make the flow."""
    drivers = sorted(drivers, key=lambda driver: -abs(driver[3]))
    small = drivers[MOST_ROWS:]
    if not small:
        return drivers
    total = sum(driver[3] for driver in small)
    rest = [f"{len(small)} smaller ones", f"其余 {len(small)} 项", np.nan, total, "", 0, ""]
    return [*drivers[:MOST_ROWS], rest]


class _Texts:
    """Rows and bounds in words, with the place and source of the fact."""

    def __init__(self, system: Any, shared: np.ndarray):
        self.system = system
        self.shared = shared
        self.equal = system.matrix.shape[0]

    def row(self, row: int, value: float, contribution: float) -> list[Any]:
        text, zh, *place = self.carrier(row)
        return [text, zh, value, contribution, *place]

    def carrier(self, row: int) -> list[Any]:
        system = self.system
        upper = row >= self.equal
        rows, at = (system.upper_rows, row - self.equal) if upper else (system.rows, row)
        return [
            system.row_text(at, upper=upper),
            system.row_text(at, upper=upper, lang="zh"),
            str(rows.file[at]),
            int(rows.line[at]),
            str(rows.source[at]),
        ]

    def bound(self, column: int, value: float, contribution: float) -> list[Any]:
        system = self.system
        if column >= system.matrix.shape[1]:
            text, zh, *place = self.carrier(self.equal + column - system.matrix.shape[1])
            return [text, zh, value, contribution, *place]
        at, kind = int(system.unknown_at[column]), system.unknown_kind[column]
        table = system.flows if kind == "flow" else system.processes
        row = table.iloc[at]
        word, word_zh = ("capacity", "产能") if kind == "activity" else ("limit", "上限")
        text, zh = f"{word} of {row['id']}", f"{row['id']} 的{word_zh}"
        if value <= system.lower[column]:
            text = f"{row['id']} is not used" if value == 0 else f"minimum of {row['id']}"
            zh = f"{row['id']} 未使用" if value == 0 else f"{row['id']} 的下限"
        if self.shared[column]:
            text = f"share of {row['id']}, decided by merit order"
            zh = f"{row['id']} 的份额（按优先次序决定）"
        return [text, zh, value, contribution, str(row["file"]), int(row["line"]), str(row["source"])]
