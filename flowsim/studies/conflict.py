"""`conflict`: the smallest set of stated numbers that cannot all hold, when limits leave no answer.

Elastic filter, then deletion filter (Chinneck and Dravnieks, 1991, ORSA Journal on Computing 3): what must be
bent for an answer is held firm, again and again, until none is left; those that were held contain a conflict.
Of them each is left out in turn, and stays out if there is still no answer without it.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from flowsim.errors import Problem
from flowsim.progress import track
from flowsim.studies.solve import MOST_NAMED, STATED
from flowsim.system import System

BENT = 1e-7
"""Stated numbers that are missed by less than this share of the largest hold."""


def conflict(system: System) -> list[Problem]:
    """The set in words, each with file and line; empty where the system has an answer.

    Every number of the set is needed: without any one of them the others can hold.
    """
    stated = _Stated(system)
    firm = np.zeros(stated.count, dtype=bool)
    while (bent := stated.bent(firm, ~firm)) is not None:
        if not bent.any():
            return []
        firm |= bent
    nothing = np.zeros(stated.count, dtype=bool)
    for at in track(np.flatnonzero(firm).tolist(), "conflict"):
        firm[at] = False
        if stated.bent(firm, nothing) is not None:
            firm[at] = True
    members = np.flatnonzero(firm)
    message = f"{len(members)} stated numbers leave no answer together; one of those listed here must change."
    if len(members) == 1:
        message = "one stated number leaves no answer, whatever else is changed."
    file = str(system.about["file"])
    return [Problem(message, file), *(stated.problem(int(at)) for at in members[:MOST_NAMED])]


class _Stated:
    """All that a person states of a system as rows ``G x <= h``, beside rows that always hold."""

    def __init__(self, system: System):
        self.system = system
        columns = system.matrix.shape[1]
        self.scale = max(float(np.abs(np.append(system.rhs, system.upper_rhs)).max(initial=0.0)), 1.0)
        self.equal = np.flatnonzero(np.isin(system.rows.kind, STATED))
        self.high = np.flatnonzero(np.isfinite(system.upper))
        self.low = np.flatnonzero(system.lower > 0)
        one = csr_array(eye_array(columns, format="csr"))
        lines = csr_array(system.matrix[self.equal])
        rhs = system.rhs[self.equal]
        self.matrix = csr_array(vstack([lines, -lines, system.upper_matrix, one[self.high], -one[self.low]]))
        ends = (rhs, -rhs, system.upper_rhs, system.upper[self.high], -system.lower[self.low])
        self.limit = np.concatenate(ends) / self.scale
        first, second = len(self.equal), system.upper_matrix.shape[0]
        rest = first + np.arange(second + len(self.high) + len(self.low))
        self.owner = np.concatenate([np.arange(first), np.arange(first), rest])
        self.count = first + len(rest)
        always = np.ones(system.matrix.shape[0], dtype=bool)
        always[self.equal] = False
        self.always = csr_array(system.matrix[always]), system.rhs[always] / self.scale

    def bent(self, firm: np.ndarray, elastic: np.ndarray) -> np.ndarray | None:
        """Which elastic numbers an answer must bend while the firm ones hold; None if it has none."""
        from scipy.optimize import linprog

        rows = np.flatnonzero((firm | elastic)[self.owner])
        soft = elastic[self.owner[rows]]
        slack = csr_array(-eye_array(len(rows), format="csr")[:, np.flatnonzero(soft)])
        matrix, rhs = self.always
        count = matrix.shape[1]
        free = (
            np.where(np.isfinite(self.system.lower), np.minimum(self.system.lower, 0.0), -np.inf) / self.scale
        )
        lower = np.append(free, np.zeros(slack.shape[1]))
        found = linprog(
            np.append(np.zeros(count), np.ones(slack.shape[1])),
            A_ub=hstack([self.matrix[rows], slack]),
            b_ub=self.limit[rows],
            A_eq=hstack([matrix, csr_array((matrix.shape[0], slack.shape[1]))]),
            b_eq=rhs,
            bounds=np.column_stack([lower, np.full(len(lower), np.inf)]),
            method="highs",
        )
        if found.status != 0:
            return None
        bent = np.zeros(self.count, dtype=bool)
        bent[self.owner[rows[soft]][found.x[count:] > BENT]] = True
        return bent

    def problem(self, at: int) -> Problem:
        """One stated number in words, with file and line."""
        system, first = self.system, len(self.equal)
        second = first + system.upper_matrix.shape[0]
        if at < second:
            row = int(self.equal[at]) if at < first else at - first
            rows = system.rows if at < first else system.upper_rows
            return Problem(system.row_text(row, upper=at >= first), str(rows.file[row]), int(rows.line[row]))
        is_high = at < second + len(self.high)
        column = int(self.high[at - second] if is_high else self.low[at - second - len(self.high)])
        place = int(system.unknown_at[column])
        is_flow = system.unknown_kind[column] == "flow"
        row = (system.flows if is_flow else system.processes).iloc[place]
        what = ("limit" if is_flow else "capacity") if is_high else "minimum"
        value = system.upper[column] if is_high else system.lower[column]
        good = system.goods["id"] == row["good"]
        unit = f" {system.goods['unit'][good].iloc[0]}/a" if good.any() else ""
        text = f"{what} of {row['id']}: {value:.6g}{unit}"
        return Problem(text, str(row["file"]) or str(system.about["file"]), int(row["line"]))
