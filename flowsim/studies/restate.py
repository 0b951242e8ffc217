"""Another year of the same system, where nothing but right-hand sides has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from flowsim.series import Series
from flowsim.stocks import GOOD, Leaving
from flowsim.system import System

RIGHT_HAND = {("flows", "amount"), ("processes", "activity"), ("stocks", "level"), ("stocks", "entered")}
"""Numbers that stand on the right-hand side of a row, and nowhere else."""


def only_right_hand(series: Iterable[Series]) -> bool:
    """No number that changes over the years stands in the matrix, in a limit or in a label."""
    return all((one.table, one.column) in RIGHT_HAND for one in series)


def same_stocks(one: Mapping[str, Leaving], other: Mapping[str, Leaving]) -> bool:
    """The stocks put the same coefficients into the matrix."""
    return all(
        not (said.unlimited and len(said.past) > 1)
        and said.gone == other[name].gone
        and np.isnan(said.asked) == np.isnan(other[name].asked)
        for name, said in one.items()
    )


def restated(system: System, year: float, series: Iterable[Series], leaving: Mapping[str, Leaving]) -> System:
    """The system with the right-hand sides of another year; the one that is given stays as it is.

    Parameters
    ----------
    series : the numbers that change, all of which pass `only_right_hand`
    leaving : what leaves each stock in that year
    """
    rows = system.rows
    rhs, value, file, line = (array.copy() for array in (system.rhs, rows.value, rows.file, rows.line))
    most, limits = system.upper_rhs.copy(), system.upper_rows
    for one in series:
        if one.table != "stocks":
            row = _given_row(system, one)
            rhs[row] = value[row] = one.at(year)
            file[row], line[row] = one.origin(year)
    for said in leaving.values():
        process = _place(system.processes["id"].to_numpy(), said.at)
        good = _place(system.goods["id"].to_numpy(), said.good)
        here = limits.process == process
        most[here & (limits.good == good) & (limits.kind == "mining")] = said.past[GOOD]
        most[here & np.isin(limits.good, [good, -1]) & (limits.kind == "space")] = said.room
        mine = (rows.process == process) & (rows.good == good)
        rhs[mine & (rows.kind == "level")] = said.asked
        for layer, amount in said.past.items():
            rhs[mine & (rows.kind == "lifetime") & (rows.layer == ("base" if layer == GOOD else layer))] = (
                amount
            )
    about = {**system.about, "year": int(year) if year == int(year) else year}
    said_in = replace(rows, value=value, file=file, line=line)
    return replace(system, about=about, rhs=rhs, rows=said_in, upper_rhs=most)


def _given_row(system: System, one: Series) -> int:
    """The row that states the amount of a flow or the activity of a process; facts come after these."""
    rows = system.rows
    if one.table == "flows":
        of = (rows.flow == _place(system.flows["id"].to_numpy(), one.name)) & (rows.layer == "base")
    else:
        of = (rows.process == _place(system.processes["id"].to_numpy(), one.name)) & (rows.layer == "")
    return int(np.flatnonzero((rows.kind == "given") & of)[0])


def _place(names: np.ndarray, name: str) -> int:
    return int(np.flatnonzero(names == name)[0])
