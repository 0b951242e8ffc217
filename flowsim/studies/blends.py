"""Ceilings of contents in words: which of them a blend has reached, and which leave no answer, and why."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array, hstack

from flowsim.checks import MASS
from flowsim.errors import Problem
from flowsim.system import System

SAME = 1e-6
"""A ceiling is reached, or broken, from this share of the size of its row on."""


def ceiling_notes(system: System, x: np.ndarray) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remarks in English and Chinese: each ceiling that a blend has reached, and what it cannot judge."""
    rows, notes = system.upper_rows, list[tuple[str, str]]()
    mine = np.flatnonzero(rows.kind == "ceiling")
    if not len(mine):
        return (), ()
    size = abs(system.upper_matrix) @ np.abs(x)
    slack = system.upper_rhs - system.upper_matrix @ x
    for row in mine[size[mine] > 0].tolist():
        place, layer = _name(system, row, "id"), str(rows.layer[row])
        if slack[row] <= SAME * size[row]:
            most = f"{100 * rows.value[row]:.4g} % {layer}"
            en = f"the blend of {place} has reached its ceiling of {most}"
            notes.append((en, f"{_name(system, row, 'zh')}的混合料已达上限 {most}"))
        notes += _unstated(system, row, x)
    return tuple(en for en, _ in notes), tuple(zh for _, zh in notes)


def _name(system: System, row: int, column: str) -> str:
    return str(system.processes[column].iat[int(system.upper_rows.process[row])])


def _blended(system: System, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The flows that a ceiling blends, the mass of a unit of each, and what a unit adds beyond the ceiling.

    An active layer has unknowns of its own: what they add is left out here.
    """
    line = system.upper_matrix[[row]].tocoo()
    flows = line.col[line.col < len(system.flows)]
    beyond = np.zeros(system.matrix.shape[1])
    beyond[line.col] = line.data
    goods = system.flows["good_at"].to_numpy()[flows]
    return flows, system.goods["kind"].map(MASS).to_numpy(dtype=float)[goods], beyond[flows]


def _unstated(system: System, row: int, x: np.ndarray) -> list[tuple[str, str]]:
    """Goods of a blend that state no content of the substance, and so count as free of it."""
    layer = str(system.upper_rows.layer[row])
    if layer in system.layers:
        return []
    flows, _, _ = _blended(system, row)
    goods = np.unique(system.flows["good_at"].to_numpy()[flows[np.nan_to_num(x[flows]) > 0]])
    known = layer in system.substances
    stated = system.contents[:, [system.substances.index(layer)]].tocoo().row if known else goods[:0]
    lacking = np.setdiff1d(goods, stated)
    place, place_zh = _name(system, row, "id"), _name(system, row, "zh")
    if not len(lacking):
        return []
    if len(lacking) == len(goods):
        en, zh = "limits nothing: nothing that it takes states a content", "不起作用：所用物料均未给出含量"
        return [(f"the ceiling of {layer} at {place} {en}", f"{place_zh}的{layer}上限{zh}")]
    en, zh = (", ".join(system.goods["en"].iloc[lacking]), "、".join(system.goods["zh"].iloc[lacking]))
    return [
        (
            f"the ceiling of {layer} at {place} counts {en} as free of it: no content is stated",
            f"{place_zh}的{layer}上限将{zh}按不含该物质计：未给出含量",
        )
    ]


def ceiling_problems(system: System) -> list[Problem]:
    """Ceilings that alone leave no answer: each with the least that the blend would hold, and who brings it.

    The ceilings may be exceeded, by as little as possible in all; everything else holds.
    """
    from scipy.optimize import linprog

    rows, size = system.upper_rows, system.matrix.shape[1]
    mine = np.flatnonzero(rows.kind == "ceiling")
    if not len(mine):
        return []
    scale = float(np.abs(system.rhs).max(initial=1.0)) or 1.0
    place = (-np.ones(len(mine)), (mine, np.arange(len(mine))))
    beyond = coo_array(place, shape=(system.upper_matrix.shape[0], len(mine)))
    found = linprog(
        np.append(np.zeros(size), 1 / np.maximum(rows.value[mine], SAME)),
        A_ub=hstack([system.upper_matrix, beyond]),
        b_ub=system.upper_rhs / scale,
        A_eq=hstack([system.matrix, csr_array((system.matrix.shape[0], len(mine)))]),
        b_eq=system.rhs / scale,
        bounds=np.column_stack(
            [
                np.append(system.lower, np.zeros(len(mine))) / scale,
                np.append(system.upper, np.full(len(mine), np.inf)) / scale,
            ]
        ),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
    )
    if found.status != 0:
        return []
    x, excess = found.x[:size] * scale, found.x[size:] * scale
    volume = (abs(system.upper_matrix) @ np.abs(x))[mine]
    return [broken_ceiling(system, int(row), x) for row in mine[excess > SAME * np.maximum(volume, SAME)]]


def broken_ceiling(system: System, row: int, x: np.ndarray) -> Problem:
    """What the blend would hold, against its ceiling, and the goods that hold more than it."""
    rows = system.upper_rows
    layer, most = str(rows.layer[row]), float(rows.value[row])
    flows, mass, beyond = _blended(system, row)
    total = float(mass @ x[flows])
    held = most + float((system.upper_matrix[[row]] @ x)[0]) / total
    guilty = []
    if layer not in system.layers:
        for at in np.flatnonzero((beyond > 0) & (x[flows] > 0)).tolist():
            good, giver = (system.flows[name].iat[int(flows[at])] for name in ("good", "from"))
            content = 100 * (beyond[at] / mass[at] + most)
            guilty.append(f"{good} from {giver} ({x[flows[at]]:.6g} t/a at {content:.4g} %)")
    whose = f": {', '.join(guilty)}" if guilty else ""
    message = (
        f"the blend of {_name(system, row, 'id')} would hold {100 * held:.4g} % {layer}; "
        f"its ceiling is {100 * most:.4g} %{whose}."
    )
    hint = "Raise the ceiling, lower or close what brings the substance, or state its content."
    return Problem(message, str(rows.file[row]) or str(system.about["file"]), int(rows.line[row]), hint)
