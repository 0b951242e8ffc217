"""`solve`: the steady state. Every fact holds, every process balances, recycling loops need no iteration.

``A x = b`` by one sparse LU factorisation (SuperLU: Demmel et al., 1999, SIAM J. Matrix Anal. Appl. 20)
of the rows that determine the unknowns; rows beyond those must agree, and contradiction is explained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from scipy.sparse import csc_array, csr_array, hstack, vstack

from flowsim.errors import Contradiction, Infeasible, Problem, Undetermined
from flowsim.result import Result
from flowsim.studies.blends import broken_ceiling, ceiling_notes
from flowsim.studies.structure import DENSE, decompose, independent_rows, null_columns
from flowsim.system import System

AGREES = 1e-6
"""Redundant facts agree when they differ by less than this share of their amount, as a recipe closes (C5)."""
STATED = ("given", "transfer", "share", "content")
"""Kinds of row that a person states; the others follow from them or always hold."""
MOST_NAMED = 12
"""Facts and flows beyond this number are counted in a message, not listed."""
MOST_INTERVALS = 200
"""Undetermined values beyond this number are named, but their intervals are not computed."""


@dataclass(frozen=True)
class Determined:
    """The part of a system that its rows determine."""

    columns: np.ndarray
    rows: np.ndarray
    x: np.ndarray
    factor: Any

    def again(self, rhs: np.ndarray) -> Determined:
        """The same part for another right-hand side."""
        return replace(self, x=self.factor.solve(rhs[self.rows]))


class Singular(Exception):
    """The rows leave ``columns`` free although their number would do: a loop that keeps everything."""

    def __init__(self, columns: np.ndarray):
        self.columns = columns
        super().__init__(columns)


def solve(system: System, *, throw: bool = True, part: Determined | None = None) -> Result:
    """The steady state of a system whose facts fix every flow.

    Parameters
    ----------
    throw : raise when something is undetermined or a limit is broken; otherwise say so in the result
    part : what `determine` found for the same matrix; its factorisation is used again

    Raises
    ------
    Undetermined : no fact fixes some flows; the message names them, and a loop without an exit
    Contradiction : facts that cannot all hold; the smallest set of them, and the gap
    Infeasible : the one answer breaks a limit, or makes a flow negative
    """
    try:
        part = part.again(system.rhs) if part else determine(system.matrix, system.rhs, system.rows.kind)
    except Singular as loop:
        raise Undetermined(_loop_problems(system, loop.columns)) from None
    notes, notes_zh = _check_consistent(system, part)
    x = np.full(system.matrix.shape[1], np.nan)
    x[part.columns] = part.x
    low, high = np.full(len(x), np.nan), np.full(len(x), np.nan)
    free = np.flatnonzero(np.isnan(x))
    if len(free):
        if throw:
            raise Undetermined(undetermined_problems(system, free))
        low[free], high[free] = intervals(system, x, free[:MOST_INTERVALS], len(free))
    broken = broken_limits(system, x)
    if broken and throw:
        raise Infeasible(broken)
    passed = tuple(str(problem) for problem in broken)
    said, said_zh = ((), ()) if broken else ceiling_notes(system, x)
    notes, notes_zh = (*notes, *passed, *said), (*notes_zh, *passed, *said_zh)
    decided = np.zeros(len(x), dtype=bool)
    return Result(system, x, low, high, "solve", decided, {}, notes, notes_zh=notes_zh)


def determine(matrix: csr_array, rhs: np.ndarray, kind: np.ndarray | None = None) -> Determined:
    """Solve for every column that the rows fix.

    Parameters
    ----------
    kind : shape (rows,), the kind of each row; where rows repeat each other, stated ones are left out

    Raises
    ------
    Singular : the pattern would determine all, but the numbers do not
    """
    rows, columns = matrix.shape
    if rows == columns:
        try:
            factor = _factorise(csc_array(matrix))
            return Determined(np.arange(columns), np.arange(rows), factor.solve(rhs), factor)
        except (RuntimeError, Singular):
            pass
    structure = decompose(matrix)
    fixed = np.setdiff1d(np.arange(columns), structure.under)
    weight = None if kind is None else np.where(np.isin(kind, STATED), 0.01, 1.0)
    used = independent_rows(matrix, structure, weight)
    if len(used) < len(fixed):
        raise Singular(_free_of(matrix, used, fixed))
    square = csc_array(matrix[used][:, fixed])
    try:
        factor = _factorise(square)
    except RuntimeError:
        raise Singular(fixed[null_columns(square)]) from None
    except Singular as loop:
        raise Singular(fixed[loop.columns]) from None
    return Determined(fixed, used, factor.solve(rhs[used]), factor)


def _free_of(matrix: csr_array, used: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Columns that too few independent rows leave free."""
    from scipy.linalg import null_space

    inside = csr_array(matrix[used][:, fixed])
    lost = decompose(inside).under
    if len(lost) and len(lost) ** 2 <= DENSE:
        touching = np.unique(csr_array(inside[:, lost]).nonzero()[0])
        space = null_space(inside[touching][:, lost].toarray())
        free = lost[np.abs(space).max(axis=1, initial=0.0) > 1e-9]
        lost = free if len(free) else lost
    return fixed[lost]


@cache
def threadpools() -> Any:
    """The BLAS libraries of this process; to find them costs more than a small factorisation."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Factor:
    """A sparse LU of a row-scaled square matrix, on one BLAS thread, with one step of refinement.

    Flow graphs fill in little: SuperLU's relaxed supernodes and panels would store and compute zeros.
    """

    def __init__(self, matrix: csc_array):
        from scipy.sparse.linalg import splu

        size = np.zeros(matrix.shape[0])
        np.maximum.at(size, matrix.indices, np.abs(matrix.data))
        self.scale = 1.0 / np.where(size > 0, size, 1.0)
        scaled = matrix.data * self.scale[matrix.indices]
        self.matrix = csc_array((scaled, matrix.indices, matrix.indptr), shape=matrix.shape)
        with threadpools().limit(limits=1, user_api="blas"):
            self.lu = splu(self.matrix, relax=1, panel_size=1)

    @cached_property
    def smallest_pivot(self) -> float:
        diagonal = np.abs(self.lu.U.diagonal())
        return float(diagonal.min() / diagonal.max()) if len(diagonal) else 1.0

    def solve(self, rhs: np.ndarray, transposed: bool = False) -> np.ndarray:
        """x of ``A x = rhs``, or y of ``Aᵀ y = rhs``, for the unscaled matrix."""
        if transposed:
            return self.scale * self.lu.solve(rhs, trans="T")
        scaled = self.scale * rhs
        x = self.lu.solve(scaled)
        return x + self.lu.solve(scaled - self.matrix @ x)


def _factorise(matrix: csc_array) -> _Factor:
    factor = _Factor(matrix)
    if factor.smallest_pivot < 1e-13:
        free = null_columns(matrix)
        if len(free):
            raise Singular(free)
    return factor


def determines(matrix: csc_array) -> bool:
    """Whether a square matrix is regular in its numbers, not only in its pattern."""
    try:
        return _factorise(matrix).smallest_pivot > 0
    except (RuntimeError, Singular):
        return False


def _check_consistent(system: System, part: Determined) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rows beyond those that were solved with must hold; return a note on those that do."""
    if len(part.rows) == system.matrix.shape[0]:
        return (), ()
    extra = np.setdiff1d(np.arange(system.matrix.shape[0]), part.rows)
    x = np.zeros(system.matrix.shape[1])
    x[part.columns] = part.x
    unknown = np.ones(len(x))
    unknown[part.columns] = 0.0
    block = csr_array(system.matrix[extra])
    inside = abs(block) @ unknown == 0
    extra, block = extra[inside], csr_array(block[inside])
    residual = block @ x - system.rhs[extra]
    size = np.maximum(np.maximum(abs(block) @ np.abs(x), np.abs(system.rhs[extra])), 1.0)
    wrong = np.abs(residual) > AGREES * size
    if wrong.any():
        raise Contradiction(_conflict(system, extra[wrong], residual[wrong]))
    said = extra[system.rows.kind[extra] != "closing"]
    if not len(said):
        return (), ()
    texts, texts_zh = ([system.row_text(int(row), lang=lang) for row in said[:5]] for lang in ("en", "zh"))
    more, more_zh = (f" and {len(said) - 5} more", "等") if len(said) > 5 else ("", "")
    count = f"{len(said)} rows repeat" if len(said) > 1 else "1 row repeats"
    differ = float((np.abs(residual) / size).max())
    near = differ > 1e-12
    within, within_zh = (
        (f", to within {differ:.1g} of their amount", f"（相对误差不超过 {differ:.1g}）")
        if near
        else ("", "")
    )
    note = f"{count} what the others already say{within}: {'; '.join(texts)}{more}."
    return (note,), (f"{len(said)} 条关系与其他关系重复{within_zh}：{'；'.join(texts_zh)}{more_zh}。",)


def _conflict(system: System, wrong: np.ndarray, residual: np.ndarray) -> list[Problem]:
    """One minimal set of rows that cannot all hold, stated facts first, and the gap."""
    involved, gap = _minimal_conflict(system, wrong, residual)
    rows = system.rows
    is_stated, is_given = np.isin(rows.kind[involved], STATED), rows.kind[involved] == "given"
    ordered = involved[np.lexsort((involved, ~is_given, ~is_stated))]
    count = int(is_stated.sum())
    what = f"{count} facts" if count > 1 else f"{len(involved)} rows"
    hint = "Mend or drop one of those listed here."
    if (rows.sd[involved] > 0).any():
        hint += " Some are uncertain: `flowsim reconcile` adjusts those."
    problems = [Problem(f"{what} cannot all hold; the gap is {gap:.6g}.", hint=hint)]
    shown = [*ordered[:count][:MOST_NAMED], *ordered[count:][: max(3, MOST_NAMED - count)]]
    for row in shown:
        problems.append(Problem(system.row_text(int(row)), str(rows.file[row]), int(rows.line[row])))
    rest = len(ordered) - len(shown)
    if rest:
        problems.append(Problem(f"and {rest} more row{'s' if rest > 1 else ''} that tie these together."))
    return problems


def _minimal_conflict(system: System, wrong: np.ndarray, residual: np.ndarray) -> tuple[np.ndarray, float]:
    """Rows that conflict, of which none can be left out, and by how much they miss each other.

    Weights y of the rows with ``Aᵀ y = 0`` and ``bᵀ y = 1`` prove a contradiction (Farkas' lemma). The
    proof with the least sum of weights is a vertex, so no row in it is idle, and its gap is the widest.
    Should the programme fail for its numbers, the rows that do not hold are given instead.
    """
    from scipy.optimize import linprog

    rows = decompose(system.matrix).over
    gap_at = np.zeros(system.matrix.shape[0])
    gap_at[wrong] = residual / np.abs(residual).max()
    matrix = csr_array(system.matrix[rows])
    columns = csr_array(matrix[:, np.unique(matrix.indices)]).T
    equal = vstack([columns, csr_array(gap_at[rows][None, :])])
    cost = np.where(np.isin(system.rows.kind[rows], STATED), 1.0, 0.01)
    target = np.zeros(equal.shape[0])
    target[-1] = 1.0
    found = linprog(np.tile(cost, 2), A_eq=hstack([equal, -equal]), b_eq=target, method="highs-ds")
    if found.status != 0:
        return wrong, float(np.abs(residual).max())
    weight = found.x[: len(rows)] - found.x[len(rows) :]
    members = np.abs(weight) > 1e-7 * np.abs(weight).max()
    given = system.rows.kind[rows] == "given"
    scale = np.abs(weight[given]).max(initial=0.0) or np.abs(weight).max()
    gap = float(np.abs(residual).max() / scale)
    return rows[members], gap


def _loop_problems(system: System, columns: np.ndarray) -> list[Problem]:
    """A loop that gives back all that it takes: its flows may have any size."""
    columns = columns[system.unknown_kind[columns] == "flow"]
    names = [system._short(int(column)) for column in columns]
    places = list(dict.fromkeys(system.flows["to"].iloc[system.unknown_at[columns]]))
    message = f"a loop keeps all that enters it, so nothing fixes {_counted(names)}: {_listed(names)}"
    message += f" (through {_listed(places)})."
    hint = "Give it an exit, such as a loss or a transfer coefficient below 100 %, or state one of its flows."
    return [Problem(message, str(system.about["file"]), hint=hint)]


def undetermined_problems(system: System, columns: np.ndarray) -> list[Problem]:
    """Names what nothing fixes, layer by layer, and the kind of fact that would."""
    problems = []
    file = str(system.about["file"])
    activity = system.unknown_kind[columns] == "activity"
    layers = np.where(system.unknown_layer[columns] == "mass", "base", system.unknown_layer[columns])
    missing = _missing_facts(system, columns)
    for layer in dict.fromkeys(layers[~activity]):
        mine = columns[(layers == layer) & ~activity]
        names = [system._short(int(c)) for c in mine]
        of_layer = "" if layer == "base" else f" of layer {layer}"
        message = f"no fact fixes {_counted(names)}{of_layer}: {_listed(names)}."
        problems.append(Problem(message, file, hint=_suggestion(system, mine, missing)))
    if activity.any():
        names = [str(system.processes["id"].iloc[system.unknown_at[c]]) for c in columns[activity]]
        message = f"nothing says how much {_listed(names)} make{'s' if len(names) == 1 else ''}."
        hint = "State `activity` or `load`, or draw where the product goes."
        problems.append(Problem(message, file, hint=hint))
    return problems


def _counted(names: list[str]) -> str:
    return "1 flow" if len(names) == 1 else f"{len(names)} flows"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _missing_facts(system: System, columns: np.ndarray) -> int:
    """How many facts are wanting: what is unknown less the rows that speak of it."""
    touching = np.unique(csr_array(system.matrix[:, columns]).nonzero()[0])
    return max(1, len(columns) - len(touching))


def _suggestion(system: System, columns: np.ndarray, missing: int) -> str:
    """The fact that would help most: a coefficient at the process where most of the flows part."""
    flows = system.unknown_at[columns[system.unknown_kind[columns] == "flow"]]
    inside = ~system.processes["outside"].to_numpy() & np.isin(
        np.arange(len(system.processes)), system.unknown_at[system.unknown_kind == "activity"], invert=True
    )
    at = system.flows["from_at"].to_numpy()[flows]
    at = at[inside[at]]
    number = "One more fact" if missing == 1 else f"{missing} more facts"
    if not len(at):
        return f"{number} would, such as the amount of one of them."
    values, counts = np.unique(at, return_counts=True)
    place = system.processes["id"].iloc[values[counts.argmax()]]
    layer = system.unknown_layer[columns[0]]
    word = f" for {layer}" if layer not in ("base", "mass") else ""
    return f"{number} would, such as a transfer coefficient{word} at {place} or the amount of one of them."


def broken_limits(system: System, x: np.ndarray) -> list[Problem]:
    """Every bound and limit that the values break by more than the rounding of the solve, in words."""
    size = np.abs(np.nan_to_num(x))
    noise = 1e-12 * size.max(initial=0.0)
    tolerance = noise + 1e-9 * np.maximum(1.0, size)
    problems = []
    for column in np.flatnonzero((x > system.upper + tolerance) | (x < system.lower - tolerance)):
        problems.append(_broken_bound(system, int(column), float(x[column])))
    over = system.upper_matrix @ x - system.upper_rhs
    rows = system.upper_rows
    for row in np.flatnonzero(over > noise + 1e-9 * np.maximum(1.0, abs(system.upper_matrix) @ size)):
        if rows.kind[row] == "space":
            problems.append(_no_room(system, int(row), float(over[row])))
            continue
        if rows.kind[row] == "ceiling":
            problems.append(broken_ceiling(system, int(row), x))
            continue
        message = f"a limit is passed by {over[row]:.6g}: {system.row_text(int(row), upper=True)}."
        problems.append(
            Problem(message, str(rows.file[row]), int(rows.line[row]), "Raise it, or lower the flow.")
        )
    return problems


def _no_room(system: System, row: int, over: float) -> Problem:
    rows = system.upper_rows
    place, at = str(system.processes["id"].iloc[rows.process[row]]), int(rows.good[row])
    what = f"{rows.layer[row]}/a"
    if at >= 0:
        what = f"{system.goods['unit'].iloc[at]}/a of `{system.goods['id'].iloc[at]}`"
    message = f"`{place}` is full: {over:.6g} {what} find no room there."
    hint = "Raise its `space`, draw another way out of where it comes from, or end the years before."
    return Problem(message, str(rows.file[row]), int(rows.line[row]), hint)


def _broken_bound(system: System, column: int, value: float) -> Problem:
    at = int(system.unknown_at[column])
    table = system.flows if system.unknown_kind[column] == "flow" else system.processes
    file, line = str(table["file"].iloc[at]) or str(system.about["file"]), int(table["line"].iloc[at])
    name = system._short(column)
    if value > system.upper[column]:
        capacity = (
            system.unknown_kind[column] == "activity" and system.upper[column] == table["capacity"].iloc[at]
        )
        what = "its capacity" if capacity else "its limit"
        message = f"{name} would be {value:.6g}, above {what} of {system.upper[column]:.6g}."
        return Problem(message, file, line, "Raise the one or lower what asks for the other.")
    if system.lower[column] > 0:
        message = f"{name} would be {value:.6g}, below its minimum of {system.lower[column]:.6g}."
        return Problem(message, file, line, "Lower the minimum.")
    message = f"{name} would be negative ({value:.6g})."
    return Problem(
        message, file, line, "More leaves a process than enters it: check the facts around it (C3)."
    )


def intervals(system: System, x: np.ndarray, chosen: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Interval in which each undetermined value can lie under all rows and bounds; by two LPs each."""
    from scipy.optimize import linprog

    known = ~np.isnan(x)
    bounds = np.column_stack([np.where(known, x, system.lower), np.where(known, x, system.upper)])
    low, high = np.full(count, np.nan), np.full(count, np.nan)
    for position, column in enumerate(chosen):
        cost = np.zeros(len(x))
        for sign, into in ((1.0, low), (-1.0, high)):
            cost[column] = sign
            found = linprog(
                cost, system.upper_matrix, system.upper_rhs, system.matrix, system.rhs, bounds, method="highs"
            )  # fmt: skip
            into[position] = (
                found.x[column] if found.status == 0 else sign * -np.inf if found.status == 3 else np.nan
            )
    return low, high
