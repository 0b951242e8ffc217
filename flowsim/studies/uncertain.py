"""The uncertain numbers of a system, and the problem of least squares that they pose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from flowsim.errors import InputError, Problem
from flowsim.studies.problem import Model
from flowsim.studies.structure import decompose, independent_rows
from flowsim.system import Rows, System
from flowsim.uncertainty import default_cv

if TYPE_CHECKING:
    import pandas as pd


def uncertain_data(system: System, pedigree: bool) -> pd.DataFrame:
    """The uncertain numbers of a system, one row a datum, with the first row of the system that states it."""
    import pandas as pd

    rows = system.rows
    sd = rows.sd.copy()
    default = np.isnan(sd) & ~np.isnan(rows.value) & (rows.value != 0) & pedigree
    if pedigree:
        sd = np.where(default, default_cv(rows.quality) * np.abs(rows.value), sd)
    uncertain = np.flatnonzero((sd > 0) & (rows.datum >= 0) & ~without_closing(system))
    _, first = np.unique(rows.datum[uncertain], return_index=True)
    at = uncertain[np.sort(first)]
    return pd.DataFrame(
        {
            "id": _names(system, at, _of_all_years(rows)),
            "kind": rows.kind[at],
            "value": rows.value[at],
            "sd": sd[at],
            "low": rows.low[at],
            "high": rows.high[at],
            "distribution": np.where(default[at], "normal", rows.distribution[at]),
            "quality": rows.quality[at],
            "by_default": default[at],
            "file": rows.file[at],
            "line": rows.line[at],
            "source": rows.source[at],
            "said": rows.said[at],
            "row": at,
            "datum": rows.datum[at],
        }
    )


def _of_all_years(rows: Rows) -> np.ndarray:
    """Coefficients that rows of several processes state: those of one process in several years."""
    first, last = (
        np.full(int(rows.datum.max(initial=-1)) + 2, start) for start in (np.iinfo(np.int64).max, -1)
    )
    np.minimum.at(first, rows.datum, rows.process)
    np.maximum.at(last, rows.datum, rows.process)
    return (rows.kind != "content") & (first < last)[rows.datum]


def _names(system: System, at: np.ndarray, of_all: np.ndarray) -> list[str]:
    """An id for each datum: that of its flow, or kind, subject and process; with a number if repeated."""
    names: list[str] = []
    seen: dict[str, int] = {}
    given = system.rows.kind[at] == "given"
    of_given = iter(system.names(system.matrix.indices[system.matrix.indptr[at[given]]].tolist()))
    for row, amount in zip(at.tolist(), given.tolist(), strict=True):
        name = next(of_given) if amount else _name(system, row)
        if of_all[row]:
            name = re.sub(r"@[0-9.]+(?=@|$)", "", name)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return names


def _name(system: System, row: int) -> str:
    """Kind, subject and process of a coefficient."""
    rows, matrix = system.rows, system.matrix
    start, end = matrix.indptr[row], matrix.indptr[row + 1]
    columns, entries = matrix.indices[start:end], matrix.data[start:end]
    kind = str(rows.kind[row])
    good = str(system.goods["id"].iloc[rows.good[row]]) if rows.good[row] >= 0 else ""
    if kind == "content":
        return f"content:{good}[{rows.layer[row]}]"
    subject = good
    if not good:
        subject = str(system.flows["id"].iloc[system.unknown_at[columns[np.argmax(entries)]]])
    layer = "" if rows.layer[row] in ("", "base", "mass") else f"[{rows.layer[row]}]"
    return f"{kind}:{subject}{layer}@{system.processes['id'].iloc[rows.process[row]]}"


def build(
    system: System, data: pd.DataFrame, correlations: Sequence[tuple[str, str, float]], without: Sequence[str]
) -> Model:
    """The problem in numbers: rows with their data, and limits with their slack.

    Shares and transfer coefficients need no bounds: flows that are not negative keep them in 0 to 1.
    """
    rows = system.rows
    place = np.full(int(rows.datum.max(initial=-1)) + 2, -1)
    place[data["datum"].to_numpy(dtype=np.int64)] = np.arange(len(data))
    datum = place[rows.datum]
    slack = system.upper_matrix.shape[0]
    top = hstack([system.matrix, csr_array((len(datum), slack))])
    matrix = csr_array(vstack([top, hstack([system.upper_matrix, eye_array(slack)])]))
    rhs = np.concatenate([system.rhs, system.upper_rhs])
    slope = csr_array(
        (system.slope.data, system.slope.indices, system.slope.indptr), shape=system.slope.shape
    )
    slope.resize((matrix.shape[0], matrix.shape[1]))
    datum = np.concatenate([datum, np.full(matrix.shape[0] - len(datum), -1)])
    given = np.concatenate([rows.kind == "given", np.zeros(matrix.shape[0] - len(rows.kind), dtype=bool)])
    keep = _independent(matrix, datum)
    value, sd = data["value"].to_numpy(dtype=float), data["sd"].to_numpy(dtype=float)
    kind = data["kind"].to_numpy()
    most = np.where(kind == "content", 1.0, np.inf)
    least = np.where(np.isin(kind, ("content", "recipe")), 0.0, -np.inf)
    return Model(
        matrix=csr_array(matrix[keep]),
        slope=_only_uncertain(csr_array(slope[keep]), datum[keep]),
        rhs=rhs[keep],
        datum=datum[keep],
        given=given[keep],
        value=value,
        sd=sd,
        correlation=_correlation(data, [*_stated_correlations(system, data), *correlations]),
        left_out=np.isin(np.arange(len(data)), [_position(data, name) for name in without]),
        lower=np.concatenate([(least - value) / sd, system.lower, np.zeros(slack)]),
        upper=np.concatenate([(most - value) / sd, system.upper, np.full(slack, np.inf)]),
    )


def without_closing(system: System) -> np.ndarray:
    """Recipe lines of processes without a closing line: they stay exact, or mass would not close (C5)."""
    rows = system.rows
    closing = np.isin(rows.process, rows.process[rows.kind == "closing"])
    return (rows.kind == "recipe") & ~closing


def _independent(matrix: csr_array, datum: np.ndarray) -> np.ndarray:
    """All rows but exact ones that repeat other exact ones; those are checked when the answer is there."""
    exact = np.flatnonzero(datum < 0)
    block = csr_array(matrix[exact])
    structure = decompose(block)
    repeated = np.setdiff1d(structure.over, independent_rows(block, structure))
    return np.setdiff1d(np.arange(len(datum)), exact[repeated])


def _only_uncertain(slope: csr_array, datum: np.ndarray) -> csr_array:
    """The slope without rows whose coefficient is exact."""
    slope = csr_array(slope)
    slope.data = np.where(np.repeat(datum >= 0, np.diff(slope.indptr)), slope.data, 0.0)
    slope.eliminate_zeros()
    return slope


def _stated_correlations(system: System, data: pd.DataFrame) -> list[tuple[str, str, float]]:
    """The correlations of the scenario; numbers that are exact, or not in this system, err with nothing."""
    table = system.correlations
    known = table["one"].isin(data["said"]) & table["other"].isin(data["said"])
    return [(row.one, row.other, row.value) for row in table[known].itertuples()]


def _position(data: pd.DataFrame, name: str) -> int:
    """Position of a datum that is called by its own id or by that of the row that states it."""
    found = np.flatnonzero(data["id"] == name)
    if not len(found):
        found = np.flatnonzero(data["said"] == name)
    if not len(found):
        from flowsim.tables import nearest

        hint = nearest(name, data["id"]) or f"Data are {', '.join(data['id'][:12])}."
        raise InputError(Problem(f"there is no uncertain datum `{name}`.", hint=hint))
    return int(found[0])


def _correlation(data: pd.DataFrame, pairs: Sequence[tuple[str, str, float]]) -> csr_array:
    """The correlation matrix of the data; it must be positive definite."""
    matrix = eye_array(len(data), format="lil")
    for one, other, value in pairs:
        first, second = _position(data, one), _position(data, other)
        if first == second or not -1 < value < 1:
            hint = "Name two different data and a coefficient between -1 and 1."
            raise InputError(
                Problem(f"a correlation of {value:g} between `{one}` and `{other}` cannot be.", hint=hint)
            )
        matrix[first, second] = matrix[second, first] = value
    made = csr_array(matrix)
    some = np.flatnonzero(abs(made).sum(axis=0) > 1)
    if len(some) and np.linalg.eigvalsh(made[some][:, some].toarray()).min() < 1e-10:
        hint = "Lower some of them: together they give a negative variance."
        raise InputError(Problem("the correlations contradict each other.", hint=hint))
    return made
