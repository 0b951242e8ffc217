"""What an infeasible system lacks, where, and which limits bind it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array, hstack

from flowsim.errors import Problem
from flowsim.studies.blends import ceiling_problems
from flowsim.studies.conflict import conflict
from flowsim.system import System


def infeasible_problems(system: System) -> list[Problem]:
    """What lacks where, and what bounds it: found by letting inputs fall short and outputs stay over."""
    from scipy.optimize import linprog

    if broken := ceiling_problems(system):
        return broken
    rows = system.rows
    soft = np.flatnonzero(np.isin(rows.kind, ["recipe", "balance"]))
    entries = system.matrix[soft]
    flows = len(system.flows)
    enters = np.zeros(len(soft))
    coo = entries[:, np.arange(flows)].tocoo()
    enters[coo.row] = np.where(
        system.flows["to_at"].to_numpy()[coo.col] == rows.process[soft][coo.row], 1.0, -1.0
    )
    recipe = rows.kind[soft] == "recipe"
    short = np.flatnonzero(~recipe | (enters > 0))
    over = np.flatnonzero(~recipe | (enters < 0))
    count = system.matrix.shape[0]
    relax = coo_array(
        (
            np.concatenate([np.ones(len(short)), np.where(recipe[over], 1.0, -1.0)]),
            (soft[np.concatenate([short, over])], np.arange(len(short) + len(over))),
        ),
        shape=(count, len(short) + len(over)),
    )
    scale = float(np.abs(system.rhs).max(initial=1.0)) or 1.0
    extra = relax.shape[1]
    bounds = np.column_stack(
        [
            np.append(system.lower, np.zeros(extra)) / scale,
            np.append(system.upper, np.full(extra, np.inf)) / scale,
        ]
    )
    found = linprog(
        np.append(np.zeros(system.matrix.shape[1]), np.ones(extra)),
        A_ub=hstack([system.upper_matrix, csr_array((system.upper_matrix.shape[0], extra))]),
        b_ub=system.upper_rhs / scale,
        A_eq=hstack([system.matrix, relax]),
        b_eq=system.rhs / scale,
        bounds=bounds,
        method="highs",
    )
    if found.status != 0:
        return conflict(system)
    x = found.x * scale
    lack = x[system.matrix.shape[1] :]
    problems = []
    for position in np.flatnonzero(lack > 1e-7 * scale)[:10]:
        row = int(soft[short[position]] if position < len(short) else soft[over[position - len(short)]])
        problems.append(_lack_in_words(system, row, x, float(lack[position]), position < len(short)))
    return problems or conflict(system)


def _lack_in_words(system: System, row: int, x: np.ndarray, lack: float, short: bool) -> Problem:
    """What a process needs or has, what its rivals bring or take, and what bounds each of them."""
    rows, flows = system.rows, system.flows
    start, end = system.matrix.indptr[row], system.matrix.indptr[row + 1]
    place = str(system.processes["id"].iloc[rows.process[row]])
    mine = [int(c) for c in system.matrix.indices[start:end] if c < len(flows)]
    side = "to_at" if short else "from_at"
    mine = [flow for flow in mine if flows[side].iat[flow] == rows.process[row]]
    good = str(flows["good"].iat[mine[0]]) if mine else ""
    unit = f"{system.goods['unit'].iat[flows['good_at'].iat[mine[0]]]}/a" if mine else ""
    ratio = flows["ratio"].to_numpy()
    moved = sum(float(x[flow] * (ratio[flow] if short else 1.0)) for flow in mine)
    parts = [_bound_in_words(system, flow, x, short) for flow in mine]
    if short:
        message = f"{place} needs {moved + lack:.6g} {unit} of {good}; {moved:.6g} can be supplied: "
        hint = "Raise one of these, draw another supplier (market), or lower what needs it."
    else:
        message = f"{place} has {moved + lack:.6g} {unit} of {good} to give; {moved:.6g} can be taken: "
        hint = "Draw another way out (market, treatment, landfill), or lower what makes it."
    message += f"{', '.join(parts)}."
    return Problem(message, str(rows.file[row]) or str(system.about["file"]), int(rows.line[row]), hint)


def _bound_in_words(system: System, flow: int, x: np.ndarray, short: bool) -> str:
    """One rival with what bounds it: its own limit, the capacity at its other end, or nothing."""
    flows = system.flows
    other = int(flows["from_at" if short else "to_at"].iat[flow])
    name = str(system.processes["id"].iat[other])
    value = f"{name} {max(0.0, float(x[flow])):.6g}"
    if np.isfinite(system.upper[flow]) and x[flow] >= system.upper[flow] * (1 - 1e-6):
        return f"{value} (limit)"
    rows = system.upper_rows
    space = np.flatnonzero((rows.kind == "space") & (rows.process == other))
    if any(system.upper_matrix[int(row), flow] > 0 for row in space):
        return f"{value} (no more room)"
    activity = np.flatnonzero((system.unknown_kind == "activity") & (system.unknown_at == other))
    if len(activity) and x[activity[0]] >= system.upper[activity[0]] * (1 - 1e-6):
        return f"{value} (capacity)"
    return value
