"""Several years as one system: the rows of each year side by side, and rows between them.

What a store holds ties one year to the next, and so do cohorts: what entered in one year leaves in later
ones. A process, a flow or a store of one year is called ``ID@YEAR``. A coefficient that is stated once is one
number for all years; an amount is a number of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import block_diag, csr_array, vstack

from flowsim.assemble import assemble
from flowsim.cohorts import Steps
from flowsim.errors import InputError, Problem
from flowsim.result import Result
from flowsim.rows import Builder
from flowsim.scenario import Scenario
from flowsim.series import all_series, in_year
from flowsim.stocks import Ledger, ledgers
from flowsim.system import Rows, System
from flowsim.uncertainty import stated, uncertain

if TYPE_CHECKING:
    import pandas as pd

COEFFICIENTS = ("transfer", "share", "content", "recipe")
AMOUNTS = ("amount", "activity")


def all_years(scenario: Scenario, years: Iterable[float]) -> System:
    """The system of all years at once.

    What a store holds at the end of a year is an unknown where a fact states it for one of them:
    ``S(t) − S(t − 1) − length · change(t) = 0``. What leaves a stock by its lifetime in year t is, of what
    entered in years s before, ``Σ inflow(s) · length(s) · (left(s, t − 1) − left(s, t)) / length(t)``, where
    left(s, t) is the share of it that is left at the end of t.

    Raises
    ------
    InputError : years that do not ascend, a stock without end of life, or one with a level of its own
    """
    steps = Steps.ending(list(years))
    books = ledgers(scenario, steps)
    _check_stocks(books)
    parts = _parts(scenario, steps, books)
    whole = _with_levels(_with_cohorts(_side_by_side(parts), parts, books), scenario, steps)
    return replace(whole, correlations=_dated_pairs(whole))


def _parts(scenario: Scenario, steps: Steps, books: Sequence[Ledger]) -> list[System]:
    """The system of each year; of the past its stocks know what stood there before the first."""
    parts = []
    for at, year in enumerate(steps.ends.tolist()):
        leaving = {
            str(book.row["id"]): replace(book.leaving(book.start + at, np.nan), room=np.nan) for book in books
        }
        parts.append(assemble(_measured(scenario, year), leaving))
    return parts


def each_year(result: Result, scenario: Scenario) -> dict[float, Result]:
    """A result of `all_years` as one result a year; what other years put into a row stands at its right."""
    out, first, row = {}, 0, 0
    years = result.system.about["years"]
    steps = Steps.ending(years)
    parts = _parts(scenario, steps, ledgers(scenario, steps))
    place = np.argsort(_order(parts))
    for year, part in zip(years, parts, strict=True):
        columns = place[first : first + part.matrix.shape[1]]
        rows = np.arange(row, row + part.matrix.shape[0])
        known = np.nan_to_num(result.x).copy()
        known[columns] = 0.0
        block = result.system.matrix[rows]
        own = replace(
            part,
            matrix=csr_array(block[:, columns]),
            rhs=result.system.rhs[rows] - block @ known,
            rows=replace(part.rows, value=result.system.rows.value[rows]),
        )
        picked = {name: getattr(result, name)[columns] for name in ("x", "low", "high", "decided")}
        picked["sd"] = None if result.sd is None else result.sd[columns]
        out[year] = replace(result, system=own, **picked)
        first, row = first + part.matrix.shape[1], row + part.matrix.shape[0]
    return out


def _measured(scenario: Scenario, year: float) -> Scenario:
    """The scenario in a year, less uncertain amounts that a series states for other years only."""
    series = all_series(scenario)
    made = in_year(scenario, year, series)
    tables = dict(made.tables)
    for one in series:
        if one.table not in ("flows", "facts") or one.column not in AMOUNTS or year in one.years:
            continue
        frame = tables[one.table].copy()
        mine = (frame["id"] == one.name).to_numpy() & uncertain(frame)
        if one.table == "facts":
            frame = frame[~mine].reset_index(drop=True)
        else:
            frame.loc[mine, ["amount", "sd", "cv", "ci95", "low", "high"]] = np.nan
            frame.loc[mine, "distribution"] = ""
        tables[one.table] = frame
    return replace(made, tables=tables)


def _check_stocks(books: Sequence[Ledger]) -> None:
    problems = []
    for book in books:
        place = str(book.row["file"]), int(book.row["line"])
        if book.life.distribution == "unlimited":
            message = (
                f"stock `{book.row['id']}` has no end of life, so that no year follows from the ones before."
            )
            hint = f"Drop it, and state what `{book.row['at']}` holds as facts: `given`, `stock`, `year`."
            problems.append(Problem(message, *place, hint))
        elif not np.isnan(book.row["level"]):
            message = f"stock `{book.row['id']}` states a level, which here is a fact of its year."
            hint = (
                f"Write `{{given: {book.row['at']}, stock: {book.row['level']:g} t, year: ...}}` under facts."
            )
            problems.append(Problem(message, *place, hint))
    if problems:
        raise InputError(problems)


# ---- side by side ----


def _order(parts: Sequence[System]) -> np.ndarray:
    """Columns of the parts one after the other, as they stand in the whole: amounts of flows come first."""
    amount = [(part.unknown_kind == "flow") & (part.unknown_layer == "base") for part in parts]
    return np.argsort(~np.concatenate(amount), kind="stable")


def _side_by_side(parts: Sequence[System]) -> System:
    """The systems of all years as one, with nothing between them."""
    import pandas as pd

    years = [part.about["year"] for part in parts]
    places = np.cumsum([0, *(len(part.processes) for part in parts)])
    flows = np.cumsum([0, *(len(part.flows) for part in parts)])
    order = _order(parts)
    shift = {"process": places, "flow": flows}
    at = [
        part.unknown_at + np.where(part.unknown_kind == "flow", flows[n], places[n])
        for n, part in enumerate(parts)
    ]
    rows, upper_rows = (
        _rows_of([getattr(part, name) for part in parts], shift) for name in ("rows", "upper_rows")
    )
    datum, said = _one_number_once([part.rows for part in parts], years)

    def together(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    def diagonal(name: str) -> csr_array:
        return csr_array(
            csr_array(block_diag([getattr(part, name) for part in parts], format="csr"))[:, order]
        )

    tables: dict[str, list[pd.DataFrame]] = {"processes": [], "flows": []}
    for part, year, place in zip(parts, years, places, strict=False):
        tables["processes"].append(_dated(part.processes, ["id"], year))
        ends = {end: part.flows[end] + place for end in ("from_at", "to_at")}
        tables["flows"].append(_dated(part.flows, ["id", "from", "to"], year).assign(**ends))
    return replace(
        parts[0],
        about={**parts[0].about, "year": years[-1], "years": years},
        **{name: pd.concat(made, ignore_index=True) for name, made in tables.items()},
        unknown_kind=together("unknown_kind")[order],
        unknown_at=np.concatenate(at)[order],
        unknown_layer=together("unknown_layer")[order],
        matrix=diagonal("matrix"), slope=diagonal("slope"), rhs=together("rhs"),
        rows=replace(rows, datum=datum, said=said),
        upper_matrix=diagonal("upper_matrix"), upper_rhs=together("upper_rhs"), upper_rows=upper_rows,
        lower=together("lower")[order], upper=together("upper")[order],
    )  # fmt: skip


def _dated(frame: pd.DataFrame, names: list[str], year: float) -> pd.DataFrame:
    return frame.assign(**{name: frame[name] + f"@{year:g}" for name in names})


def _rows_of(parts: Sequence[Rows], shift: dict[str, np.ndarray]) -> Rows:
    """Labels one after the other; positions count in the tables of all years."""
    made: dict[str, Any] = {}
    for label in fields(Rows):
        columns = [getattr(part, label.name) for part in parts]
        if label.name in shift:
            columns = [np.where(c >= 0, c + n, -1) for c, n in zip(columns, shift[label.name], strict=False)]
        made[label.name] = np.concatenate(columns)
    return Rows(**made)


def _one_number_once(parts: Sequence[Rows], years: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The datum of each row, and what it is called: a coefficient that stays the same is one."""
    known: dict[tuple[Any, ...], int] = {}
    data: list[np.ndarray] = []
    said: list[np.ndarray] = []
    names: dict[str, set[int]] = {}
    for rows in parts:
        own: dict[int, int] = {}
        seen: dict[tuple[Any, ...], int] = {}
        datum = rows.datum.copy()
        for row in np.flatnonzero(rows.datum >= 0).tolist():
            label = int(rows.datum[row])
            if label not in own:
                key: tuple[Any, ...] = (len(data), label)
                if rows.kind[row] in COEFFICIENTS:
                    names_row = (
                        rows.said[row],
                        rows.process[row] * (rows.kind[row] != "content"),
                        rows.good[row],
                    )
                    key = (rows.kind[row], *names_row, rows.layer[row], float(rows.value[row]))
                    seen[key] = seen.get(key, 0) + 1
                    key = (*key, seen[key])
                own[label] = known.setdefault(key, len(known))
                names.setdefault(str(rows.said[row]), set()).add(own[label])
            datum[row] = own[label]
        data.append(datum)
    for rows, year in zip(parts, years, strict=True):
        several = np.array([len(names.get(name, ())) > 1 and name != "" for name in rows.said], dtype=bool)
        said.append(np.where(several, rows.said + f"@{year:g}", rows.said))
    return np.concatenate(data), np.concatenate(said)


def _dated_pairs(system: System) -> pd.DataFrame:
    """Correlations of numbers that every year has hold within each year."""
    import pandas as pd

    known, rows = set(system.rows.said), []
    for row in system.correlations.to_dict("records"):
        ends = [row["one"], row["other"]]
        dated = [
            [end if end in known else f"{end}@{year:g}" for end in ends] for year in system.about["years"]
        ]
        there = [pair for pair in dated if known.issuperset(pair)]
        rows += [
            {**row, "one": one, "other": other} for one, other in dict.fromkeys(map(tuple, there or [ends]))
        ]
    return pd.DataFrame(rows, columns=system.correlations.columns)


# ---- between years ----


def _with_cohorts(system: System, parts: Sequence[System], books: Sequence[Ledger]) -> System:
    """What entered in each year leaves in later ones: entries in the rows of what leaves by its lifetime."""
    columns, rows = (np.cumsum([0, *(part.matrix.shape[n] for part in parts)]) for n in (1, 0))
    place = np.argsort(_order(parts))
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for book in books:
        share = [-np.diff(book.survivors(book.start + at)) for at in range(len(parts))]
        for t, part in enumerate(parts):
            for row in _lifetime_rows(part, book).tolist():
                for s in range(t):
                    column, entry = _inflow(parts[s], book, str(part.rows.layer[row]))
                    length = book.steps.lengths[book.start + s] / book.steps.lengths[book.start + t]
                    value = -share[s][t - s - 1] * length * entry
                    found.append((np.full(len(column), rows[t] + row), place[columns[s] + column], value))
    if not found:
        return system
    row, column, value = (np.concatenate(part) for part in zip(*found, strict=True))
    extra = csr_array((value, (row, column)), shape=system.matrix.shape)
    return replace(system, matrix=csr_array(system.matrix + extra))


def _lifetime_rows(part: System, book: Ledger) -> np.ndarray:
    rows = part.rows
    process = int(np.flatnonzero(part.processes["id"] == book.row["at"])[0])
    good = int(np.flatnonzero(part.goods["id"] == book.row["good"])[0])
    return np.flatnonzero((rows.kind == "lifetime") & (rows.process == process) & (rows.good == good))


def _inflow(part: System, book: Ledger, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Columns of what enters a stock in one layer, and what one of each unit counts."""
    flows = part.flows
    mine = np.flatnonzero((flows["to"] == book.row["at"]) & (flows["good"] == book.row["good"]))
    if layer == "base":
        return mine, np.ones(len(mine))
    own = (part.unknown_kind == "flow") & (part.unknown_layer == layer) & np.isin(part.unknown_at, mine)
    return np.flatnonzero(own), np.ones(int(own.sum()))


def _with_levels(system: System, scenario: Scenario, steps: Steps) -> System:
    """What stores hold at the end of a year, where a fact says something of it."""
    import pandas as pd

    facts = scenario.tables["facts"]
    facts = facts[facts["stock"].notna()]
    opening = steps.ends[0] - steps.lengths[0]
    processes = system.processes
    builder, count = Builder(), system.matrix.shape[1]
    change = _changes(system)
    at: list[int] = []
    layers: list[str] = []
    for (name, layer), mine in facts.groupby(["given", "layer"], sort=False):
        if (f"{name}@{steps.ends[0]:g}", layer) not in change:
            place = str(mine["file"].iloc[0]), int(mine["line"].iloc[0])
            raise InputError(
                Problem(f"`{name}` keeps no stock of {layer}.", *place, "Give it `kind: store`.")
            )
        first, years = len(at), steps.ends
        if (mine["year"] == opening).any():
            years = np.append(opening, years)
            store = processes[processes["id"] == f"{name}@{steps.ends[0]:g}"]
            processes = pd.concat([processes, store.assign(id=f"{name}@{opening:g}")], ignore_index=True)
        level = count + first + np.arange(len(years))
        places = {year: int(np.flatnonzero(processes["id"] == f"{name}@{year:g}")[0]) for year in years}
        at += places.values()
        layers += [layer] * len(years)
        moved = np.array([change[f"{name}@{year:g}", layer] for year in years[1:]], dtype=np.int64)
        row, one = np.arange(len(moved)), np.ones(len(moved))
        length = steps.lengths[-len(moved) :] if len(moved) else one
        builder.add(
            "stock", len(moved), np.tile(row, 3), np.concatenate([level[1:], level[:-1], moved]),
            np.concatenate([one, -one, -length]), process=at[first + 1 :], layer=layer,
        )  # fmt: skip
        mine = mine[mine["year"].isin(years)]
        column = level[np.searchsorted(years, mine["year"])]
        names = {key: mine[key].to_numpy() for key in ("file", "line", "source")}
        numbers = stated(mine, mine["stock"].to_numpy())
        datum = int(system.rows.datum.max(initial=-1)) + 1 + builder.number(len(mine))
        builder.add(
            "given", len(mine), np.arange(len(mine)), column, np.ones(len(mine)), numbers["value"],
            process=np.array(at)[column - count], layer=layer, datum=datum, said=mine["id"].to_numpy(),
            **numbers, **names,
        )  # fmt: skip
    return _extended(replace(system, processes=processes), builder, at, layers) if at else system


def _changes(system: System) -> dict[tuple[str, str], int]:
    """Column of the stock change of each store and layer."""
    columns = np.flatnonzero(system.unknown_kind == "stock_change")
    names = system.processes["id"].to_numpy()[system.unknown_at[columns]]
    return dict(zip(zip(names, system.unknown_layer[columns], strict=True), columns.tolist(), strict=True))


def _extended(system: System, builder: Builder, at: Sequence[int], layers: Sequence[str]) -> System:
    """The system with unknowns for what stores hold, never negative, and the rows that speak of them."""
    width = system.matrix.shape[1] + len(at)
    matrix, rhs, rows = builder.matrix(width)
    wide = {}
    for name in ("matrix", "slope", "upper_matrix"):
        wide[name] = csr_array(getattr(system, name), copy=True)
        wide[name].resize((wide[name].shape[0], width))
    slope = csr_array((len(rhs), width))
    labels = {label.name: np.concatenate([getattr(part, label.name) for part in (system.rows, rows)])
              for label in fields(Rows)}  # fmt: skip
    return replace(
        system,
        unknown_kind=np.append(system.unknown_kind, np.full(len(at), "stock", dtype=object)),
        unknown_at=np.append(system.unknown_at, np.array(at, dtype=np.int64)),
        unknown_layer=np.append(system.unknown_layer, np.array(layers, dtype=object)),
        matrix=csr_array(vstack([wide["matrix"], matrix])),
        slope=csr_array(vstack([wide["slope"], slope])),
        rhs=np.append(system.rhs, rhs),
        rows=Rows(**labels),
        upper_matrix=wide["upper_matrix"],
        lower=np.append(system.lower, np.zeros(len(at))),
        upper=np.append(system.upper, np.full(len(at), np.inf)),
    )
