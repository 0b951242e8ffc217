"""Numbers that change over the years: a scenario as it stands in one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from flowsim.checks import SERIES
from flowsim.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.scenario import Scenario

BY_AGE = ("survival", "hazard")
"""Columns whose values are lists: a share for each year of age."""
STEEPNESS = 10.0
"""Of the logistic curve between two years: nine tenths of the change fall into six tenths of the time."""


@dataclass(frozen=True)
class Series:
    """One number over the years: ``column`` of the row ``name`` of ``table``; arrays by stated year. The
    values of ``survival`` and ``hazard`` are rows of shares by age."""

    table: str
    name: str
    column: str
    years: np.ndarray
    values: np.ndarray
    curves: np.ndarray
    files: np.ndarray
    lines: np.ndarray

    def at(self, year: float) -> float:
        """The number in a year; before the first stated year and after the last one it stays as there."""
        return float(self.table_at(year))

    def table_at(self, year: float) -> np.ndarray:
        """As `at`, for numbers by age, shape (ages,)."""
        later = int(np.searchsorted(self.years, year))
        if later == 0 or later == len(self.years):
            return self.values[min(later, len(self.years) - 1)]
        begin, end = self.years[later - 1], self.years[later]
        part = _progress(str(self.curves[later]), (year - begin) / (end - begin))
        return self.values[later - 1] + part * (self.values[later] - self.values[later - 1])

    def origin(self, year: float) -> tuple[str, int]:
        """File and line of the last stated year that has passed (of the first, before it)."""
        last = max(0, int(np.searchsorted(self.years, year, side="right")) - 1)
        return str(self.files[last]), int(self.lines[last])


def _progress(curve: str, part: float) -> float:
    """How much of a change is done after a part of its time."""
    if curve == "linear" or part == 1.0:
        return part
    if curve == "step":
        return 0.0
    ends = 1.0 / (1.0 + np.exp(np.array([0.5, -0.5]) * STEEPNESS))
    return float((1.0 / (1.0 + np.exp((0.5 - part) * STEEPNESS)) - ends[0]) / (ends[1] - ends[0]))


def all_series(scenario: Scenario) -> list[Series]:
    """Every number of a scenario that changes over the years."""
    return list(_each(scenario.tables["series"]))


def _each(frame: pd.DataFrame) -> Iterator[Series]:
    columns = sorted({column for names in SERIES.values() for column in names})
    for of, rows in frame.sort_values("year", kind="stable").groupby("of", sort=False):
        table, _, name = str(of).partition(".")
        for column in columns:
            by_age = column in BY_AGE
            stated = rows[rows[column].map(len) > 0 if by_age else rows[column].notna()]
            if len(stated):
                parts = {key: stated[key].to_numpy() for key in ("year", column, "curve", "file", "line")}
                if by_age:
                    parts[column] = _by_age(column, stated)
                yield Series(table, name, column, *parts.values())


def _by_age(column: str, stated: pd.DataFrame) -> np.ndarray:
    """Tables by age as rows of one length: what is left at the end of a table stays."""
    tables = [shares(row[column], column, row["file"], row["line"]) for row in stated.to_dict("records")]
    longest = max(map(len, tables))
    fill = [table[-1] if column == "survival" else 0.0 for table in tables]
    return np.array(
        [[*table, *[rest] * (longest - len(table))] for table, rest in zip(tables, fill, strict=True)]
    )


def shares(texts: Iterable[str], name: str, file: str, line: int) -> tuple[float, ...]:
    """A list of shares or percentages as a scenario states it.

    Raises
    ------
    InputError : something that is no share
    """
    try:
        return tuple(float(text.removesuffix("%")) / (100 if text.endswith("%") else 1) for text in texts)
    except ValueError:
        hint = f"Write `{name}: [1, 0.9, 0.5, 0]` or percentages without a space."
        message = f"`{name}` holds something that is no share."
        raise InputError(Problem(message, str(file), int(line), hint)) from None


def in_year(scenario: Scenario, year: float, series: Iterable[Series] | None = None) -> Scenario:
    """The scenario with the numbers of one year in place; its own year is that one.

    Parameters
    ----------
    series : what `all_series` gives, where it is at hand
    """
    tables = dict(scenario.tables)
    for one in all_series(scenario) if series is None else series:
        if one.column in tables[one.table].columns and one.column not in BY_AGE:
            _put(tables, one, year)
    facts = tables["facts"]
    if not facts["year"].isna().all():
        tables["facts"] = facts[(facts["year"].isna() | (facts["year"] == year)).to_numpy()]
    whole = int(year) if year == int(year) else year
    return replace(scenario, tables=tables, year=whole)  # type: ignore[arg-type]


def _put(tables: dict[str, pd.DataFrame], one: Series, year: float) -> None:
    """One number of one year into a copy of its table, with the place where it is stated."""
    frame = tables[one.table].copy()
    if one.table == "contents":
        good, _, layer = one.name.rpartition(".")
        row = frame.index[(frame["good"] == good) & (frame["layer"] == layer)][0]
    else:
        row = frame.index[frame["id"] == one.name][0]
    frame.loc[row, one.column] = one.at(year)
    frame.loc[row, ["file", "line"]] = one.origin(year)
    tables[one.table] = frame
