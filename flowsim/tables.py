"""Raw rows of any container → typed columns that the schema describes, with every problem collected.

A typed table is a pandas frame: text columns hold ``""`` where nothing was said, numbers hold NaN, and
the columns ``file`` and ``line`` say where each row came from. The column ``wrong`` marks rows that are
already reported, so that no later check reports them again. Work is done by column and by distinct value:
a table of 100,000 rows costs little more than reading it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim import units
from flowsim.errors import Problem
from flowsim.files import Row, Table
from flowsim.schema import COUNTED, TABLES, Column

if TYPE_CHECKING:
    import pandas as pd

ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
LAYER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
SHARE_OF = re.compile(r"\s*(.+?)\s+of\s+(\S+)\s*")
NUMBER = re.compile(r"^\s*[-+]?[\d.,_]*(?:[eE][-+]?\d+)?")
RANGE_OF = {"recipes": "amount", "prices": "price"}
"""Tables whose `low` and `high` are plain numbers in the unit of this column."""
SPREADS = ("sd", "ci95", "low", "high")
"""Uncertainties in the unit of the value."""
TRUE, FALSE = {"true", "yes", "1", "是"}, {"false", "no", "0", "否"}

UNREADABLE = "?"
"""Unit of a quantity that was stated but cannot be read; nothing stated has the unit ``""``."""

MOST_ROWS = 10
"""So many rows with the same fault are named one by one, the others counted."""
MOST_CANDIDATES = 2000
"""The nearest word is sought among so many, because each comparison costs microseconds."""

Say = tuple[str, str] | Callable[[int], tuple[str, str]]
"""Message and hint, the same for all rows or made for each."""


_WORDS = ((None, "nothing"), (True, "true"), (False, "false"))


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or nothing."""
    text, candidates = str(word)[:100], list(known)
    if len(candidates) > MOST_CANDIDATES:
        alike = (other for other in candidates if other[:2] == text[:2] or other[-4:] == text[-4:])
        candidates = sorted(alike, key=lambda other: abs(len(other) - len(text)))[:MOST_CANDIDATES]
    close = difflib.get_close_matches(text, candidates, n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else ""


def shown(value: object) -> str:
    """A value in a message: what kind of thing it is, or its text, cut to a readable length."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = next((name for word, name in _WORDS if value is word), str(value))
    return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}...`"


def report(
    problems: list[Problem],
    name: str,
    files: Any,
    lines: Any,
    rows: Iterable[int],
    say: Say,
    column: str = "",
) -> None:
    """One problem for each of the first rows, and one that counts the rest."""
    found = [int(row) for row in rows]
    for row in found[:MOST_ROWS]:
        message, hint = say(row) if callable(say) else say
        problems.append(Problem(f"{name}: {message}", str(files[row]), int(lines[row]), hint, column))
    if len(found) > MOST_ROWS:
        row = found[MOST_ROWS]
        more = f"{name}: {len(found) - MOST_ROWS} more rows have this fault; the next is here."
        problems.append(Problem(more, str(files[row]), int(lines[row]), column=column))


@dataclass
class Raw:
    """Columns of one table as they were written: object arrays, with file and line of each row.

    ``cell_lines`` gives, for rows that span lines, the line of each key; it is empty for CSV, where all
    cells are text. ``found`` collects what is wrong with the cells, and ``wrong`` marks its rows.
    """

    name: str
    columns: dict[str, np.ndarray]
    files: np.ndarray
    lines: np.ndarray
    cell_lines: Sequence[Mapping[str, int]] = ()
    found: list[Problem] = field(default_factory=list)
    wrong: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.wrong = np.zeros(len(self.lines), dtype=bool)

    def __len__(self) -> int:
        return len(self.lines)

    def report(self, column: str, rows: np.ndarray, say: Say) -> None:
        """These rows are wrong in one column."""
        if not len(rows):
            return
        self.wrong[rows] = True
        lines: Any = self.lines
        if self.cell_lines:
            lines = {row: self.cell_lines[row].get(column, self.lines[row]) for row in rows.tolist()}
        report(self.found, self.name, self.files, lines, rows, say, column)


def from_csv(name: str, table: Table, problems: list[Problem]) -> Raw:
    """A CSV file as raw columns; ``en`` and ``zh`` make up the label column ``name``."""
    known = [c.name for c in TABLES[name]]
    if "name" in known:
        known = [*known, "en", "zh"]
    columns = {}
    for key, cells in table.columns.items():
        if key in known:
            columns[key] = cells
        else:
            hint = nearest(key, known) or f"Known: {', '.join(known)}."
            problems.append(Problem(f"unknown column `{key}` in {name}.", table.file, 1, hint))
    files = np.full(len(table.lines), table.file, dtype=object)
    return Raw(name, columns, files, table.lines)


def from_rows(name: str, rows: Sequence[Row], problems: list[Problem]) -> Raw:
    """Mappings (YAML rows, already carrying their id) as raw columns."""
    known = {c.name for c in TABLES[name]}
    columns: dict[str, np.ndarray] = {}
    for position, row in enumerate(rows):
        for key, value in row.items():
            if key not in known:
                line = row.lines.get(key, row.line)
                hint = nearest(key, known) or f"Known: {', '.join(sorted(known))}."
                problems.append(Problem(f"unknown key {shown(key)} in {name}.", row.file, line, hint))
                continue
            if key not in columns:
                columns[key] = np.full(len(rows), None, dtype=object)
            columns[key][position] = value
    files = objects([row.file for row in rows])
    lines = np.array([row.line for row in rows], dtype=np.int64)
    return Raw(name, columns, files, lines, [row.lines for row in rows])


def typed(raws: Sequence[Raw], name: str, problems: list[Problem]) -> pd.DataFrame:
    """One typed table out of the raw parts of all its containers."""
    return joined([columns_of(raw, problems) for raw in raws], name)


def joined(parts: Sequence[dict[str, np.ndarray]], name: str) -> pd.DataFrame:
    """One frame out of typed columns; with no parts, an empty frame with all columns of the table."""
    if not parts:
        nothing = Raw(name, {}, np.empty(0, dtype=object), np.empty(0, dtype=np.int64))
        parts = [columns_of(nothing, [])]
    return frame_of({key: np.concatenate([part[key] for part in parts]) for key in parts[0]})


def frame_of(columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """A frame that keeps texts as objects: pandas would look through each text to find its own type."""
    import pandas as pd

    return pd.DataFrame({key: pd.Series(values, dtype=values.dtype) for key, values in columns.items()})


def columns_of(raw: Raw, problems: list[Problem]) -> dict[str, np.ndarray]:
    """The typed columns of one container, with ``file``, ``line`` and ``wrong`` for each row."""
    out: dict[str, np.ndarray] = {}
    for column in TABLES[raw.name]:
        if column.kind == "label":
            out.update(_labels(raw, column))
        elif column.kind in ("quantity", "limit"):
            out.update(_quantities(raw, column))
        else:
            convert, dtype = _READERS[column.kind]
            out[column.name] = _converted(raw, column, convert, dtype)
    if raw.name in RANGE_OF:
        scale = _unit_sizes(raw, RANGE_OF[raw.name])
        out["low"], out["high"] = out["low"] * scale, out["high"] * scale
    out["file"], out["line"], out["wrong"] = raw.files, raw.lines, raw.wrong
    problems.extend(raw.found)
    return out


def objects(values: Sequence[Any]) -> np.ndarray:
    """A one-dimensional object array, whatever the values are."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


# ---- cells ----


class _Wrong(Exception):
    """What is wrong with a cell, and the way out."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message, hint)
        self.said = (message, hint)


def _distinct(raw: Raw, column: Column) -> tuple[np.ndarray, list[Any]]:
    """For each row the position of its cell among the distinct cells; -1 where it is empty."""
    cells = raw.columns.get(column.name)
    if cells is None:
        return np.full(len(raw), -1), []
    if not raw.cell_lines:
        import pandas as pd

        texts_only: Any = np.where(cells == "", None, cells)  # type: ignore[call-overload]
        codes, texts = pd.factorize(texts_only)
        return codes, list(texts)
    seen: dict[tuple[type, str], int] = {}
    distinct: list[Any] = []
    codes = np.full(len(raw), -1)
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            continue
        key = (type(cell), cell if isinstance(cell, str) else repr(cell))
        if key not in seen:
            seen[key] = len(distinct)
            distinct.append(cell)
        codes[row] = seen[key]
    return codes, distinct


def _check_required(raw: Raw, column: Column, empty: np.ndarray) -> None:
    if column.required:
        raw.report(column.name, np.flatnonzero(empty), (f"`{column.name}` is missing ({column.en}).", ""))


def _converted(raw: Raw, column: Column, convert: Callable[[Column, Any], Any], dtype: Any) -> np.ndarray:
    """The column with each distinct cell converted once; empty and wrong cells get the default."""
    codes, distinct = _distinct(raw, column)
    _check_required(raw, column, codes < 0)
    blank = {"number": nan, "share": nan, "flag": False, "list": ()}.get(column.kind, "")
    default = blank if column.default is None else column.default
    values = np.empty(len(distinct) + 1, dtype=dtype)
    values[-1] = default
    for position, cell in enumerate(distinct):
        try:
            values[position] = convert(column, cell)
        except _Wrong as wrong:
            message, hint = wrong.said
            values[position] = default
            rows = np.flatnonzero(codes == position)
            raw.report(column.name, rows, (f"`{column.name}`: {message}", hint))
    return values[codes]


def _text(column: Column, cell: Any) -> str:
    if isinstance(cell, list | dict | bool) or (isinstance(cell, float) and not isfinite(cell)):
        raise _Wrong(f"a text is wanted here, not {shown(cell)}.", "Put quotes round a text.")
    return str(cell)


def _id(column: Column, cell: Any) -> str:
    text = _text(column, cell)
    if not (LAYER if column.kind == "layer" else ID).fullmatch(text):
        raise _Wrong(f"{shown(text)} is no id.", "Write small letters, digits and _ (convention C9).")
    return text


def _choice(column: Column, cell: Any) -> str:
    text = str(cell)
    if text not in column.of:
        known = [choice for choice in column.of if choice]
        raise _Wrong(f"{shown(cell)} is not one of {', '.join(known)}.", nearest(text, known))
    return text


def _number(column: Column, cell: Any) -> float:
    try:
        value = nan if isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError, OverflowError):
        value = nan
    if not isfinite(value):
        raise _Wrong(f"{shown(cell)} is not a plain number.", "Write digits and a point, such as 1200.5.")
    return value


def _share(column: Column, cell: Any) -> float:
    if isinstance(cell, list | dict):
        raise _Wrong(f"a share is wanted here, not {shown(cell)}.", "Write 0.4 or 40 %.")
    try:
        value, unit = units.parse(cell)
    except units.UnitError as error:
        raise _Wrong(error.problems[0].message, error.problems[0].hint) from None
    if unit not in ("", "1"):
        raise _Wrong(f"{shown(cell)} is no share.", "Write a number or a percentage, such as 0.4 or 40 %.")
    if value < 0:
        raise _Wrong(f"{shown(cell)} is negative.", "Write a share from 0 to 100 %.")
    if value > 1 and column.name != "cv":
        hint = (
            f"Did you mean {value:g} %?" if unit == "" and value <= 100 else "Write a share from 0 to 100 %."
        )
        raise _Wrong(f"{shown(cell)} is over 100 %.", hint)
    return value


def _flag(column: Column, cell: Any) -> bool:
    text = str(cell).lower()
    if text not in TRUE | FALSE:
        raise _Wrong(f"{shown(cell)} is neither true nor false.", "Write true or false.")
    return text in TRUE


def _list(column: Column, cell: Any) -> tuple[str, ...]:
    parts = cell if isinstance(cell, list) else re.split(r"[;,\s]+", _text(column, cell).strip())
    return tuple(_text(column, part) for part in parts)


_READERS: dict[str, tuple[Callable[[Column, Any], Any], Any]] = {
    "id": (_id, object),
    "layer": (_id, object),
    "ref": (_id, object),
    "text": (_text, object),
    "choice": (_choice, object),
    "number": (_number, float),
    "share": (_share, float),
    "flag": (_flag, bool),
    "list": (_list, object),
}


# ---- labels ----


def label(value: Any) -> tuple[str, str]:
    """English and Chinese of ``{en: ..., zh: ...}``, or of one text for both; else ValueError."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value), str(value)
    if isinstance(value, dict) and set(value) == {"en", "zh"}:
        en, zh = value["en"], value["zh"]
        if all(isinstance(text, str) and text.strip() for text in (en, zh)):
            return en, zh
    raise ValueError("write a text for both languages, or {en: ..., zh: ...}.")


def _labels(raw: Raw, column: Column) -> dict[str, np.ndarray]:
    if "en" in raw.columns or "zh" in raw.columns:
        return _labels_of_csv(raw, column)
    codes, distinct = _distinct(raw, column)
    _check_required(raw, column, codes < 0)
    pairs = [("", "")] * (len(distinct) + 1)
    for position, cell in enumerate(distinct):
        try:
            pairs[position] = label(cell)
        except ValueError as error:
            raw.report(column.name, np.flatnonzero(codes == position), (f"`{column.name}`: {error}", ""))
    return {"en": objects([en for en, _ in pairs])[codes], "zh": objects([zh for _, zh in pairs])[codes]}


def _labels_of_csv(raw: Raw, column: Column) -> dict[str, np.ndarray]:
    """Columns ``en`` and ``zh``; where only one of them is filled, it serves for both."""
    blank = np.full(len(raw), "", dtype=object)
    en, zh = raw.columns.get("en", blank), raw.columns.get("zh", blank)
    if column.required:
        some = np.flatnonzero((en == "") | (zh == ""))
        raw.report("en", some, ("the name needs both `en` and `zh`.", "Fill both columns."))
    return {"en": np.where(en == "", zh, en), "zh": np.where(zh == "", en, zh)}


# ---- quantities ----


def _quantities(raw: Raw, column: Column) -> dict[str, np.ndarray]:
    """Value and canonical unit; for a limit also the good that it is a share of."""
    cells = raw.columns.get(column.name)
    if cells is None:
        return _no_quantities(raw, column)
    empty = np.array([cell is None or cell == "" for cell in cells], dtype=bool)
    _check_required(raw, column, empty)
    share_of = np.full(len(raw), "", dtype=object)
    if column.kind == "limit":
        cells, share_of = _split_limits(cells)
    values, found, wrong = units.parse_column(list(cells))
    if column.name in SPREADS:
        found[_states_share(raw) & ~np.isnan(values) & (found == "")] = "1"
    for row in np.flatnonzero(np.isnan(values) & ~empty).tolist():
        wrong.setdefault(row, f"{shown(cells[row])} is no number with a unit.")
        if isinstance(cells[row], list | dict):
            wrong[row] = f"a number with its unit is wanted here, not {shown(cells[row])}."
    bad = np.array(sorted(wrong), dtype=np.int64)
    raw.report(column.name, bad, lambda row: (f"`{column.name}`: {wrong[row]}", ""))
    faulty = _check_units(raw, column, values, found, share_of)
    faulty[bad] = True
    found[faulty], values[faulty] = UNREADABLE, nan
    of = {f"{column.name}_of": share_of} if column.kind == "limit" else {}
    return {column.name: values, f"{column.name}_unit": found, **of}


def _states_share(raw: Raw) -> np.ndarray:
    """Facts whose value is a share, so that its uncertainty may be a plain number as well."""
    out = np.zeros(len(raw), dtype=bool)
    for name in ("transfer", "share") if raw.name == "facts" else ():
        if name in raw.columns:
            out |= raw.columns[name].astype(bool)
    return out


def _unit_sizes(raw: Raw, name: str) -> np.ndarray:
    """What one of the unit of each cell is in canonical units; 1 where the cell is empty or wrong."""
    cells = raw.columns.get(name, np.full(len(raw), "", dtype=object))
    texts = ["1" + NUMBER.sub("", cell, count=1) if isinstance(cell, str) and cell else "" for cell in cells]
    sizes, _, _ = units.parse_column(texts)
    return np.nan_to_num(sizes, nan=1.0)


def _no_quantities(raw: Raw, column: Column) -> dict[str, np.ndarray]:
    _check_required(raw, column, np.ones(len(raw), dtype=bool))
    names = [f"{column.name}_unit", f"{column.name}_of"][: 2 if column.kind == "limit" else 1]
    blank = {name: np.full(len(raw), "", dtype=object) for name in names}
    return {column.name: np.full(len(raw), nan), **blank}


def _split_limits(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``15 % of raw_meal`` is the amount ``15 %`` of the good ``raw_meal``."""
    amounts, goods = cells.copy(), np.full(len(cells), "", dtype=object)
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and " of " in cell and (match := SHARE_OF.fullmatch(cell)):
            amounts[row], goods[row] = match.groups()
    return amounts, goods


def _check_units(
    raw: Raw, column: Column, values: np.ndarray, found: np.ndarray, share_of: np.ndarray
) -> np.ndarray:
    """A unit is there, it can be right, a percentage has its base, the sign is allowed. Marks what is not."""
    given, name = ~np.isnan(values), column.name
    marked = np.zeros(len(raw), dtype=bool)

    def check(faulty: np.ndarray, say: Say) -> None:
        rows = given & faulty & ~marked
        marked[rows] = True
        raw.report(name, np.flatnonzero(rows), say)

    check(found == "", lambda row: (f"`{name}: {values[row]:g}` has no unit.", _unit_hint(column)))
    if column.of not in COUNTED:
        wanted = column.of if isinstance(column.of, tuple) else (column.of,)
        other = (found != "") & ~np.isin(found, wanted)
        check(
            other,
            lambda row: (f"`{name}` is in {found[row]}, and must be in {wanted[0]} or a unit like it.", ""),
        )
    if column.kind == "limit":
        based, ratio = share_of != "", found == "1"
        check(
            based & ~ratio, lambda row: (f"`{name}` is no share.", f"Write it as `15 % of {share_of[row]}`.")
        )
        check(~based & ratio, (f"`{name}` is a percentage without its base.", "Write `15 % of GOOD`."))
        check(based & (values > 1), (f"`{name}` is over 100 %.", "Write a share from 0 to 100 %."))
    if name in SPREADS:
        hint = "Write a share from 0 to 100 %, such as 5 % or 0.05."
        check(_states_share(raw) & (found == "1") & (values > 1), (f"`{name}` is over 100 %.", hint))
    if name not in ("price", "cost", "stock_change", "low", "high"):
        hint = "Swap `from` and `to` instead." if name == "amount" else "Write it without the minus."
        check(values < 0, (f"`{name}` is negative (convention C3).", hint))
    return marked


def _unit_hint(column: Column) -> str:
    examples = {"amount": "80 kt/a", "stock": "1.43 t", "CNY/stock": "1450 CNY/t", "CNY/amount": "30 CNY/t"}
    examples["CNY/amount/km"] = "0.5 CNY/t/km"
    of = column.of if isinstance(column.of, str) else column.of[0]
    return f"Write the unit with the number, for example `{examples.get(of, f'1 {of}')}`."
