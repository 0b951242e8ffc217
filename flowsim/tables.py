"""Raw rows of any container → typed columns that the schema describes, with every problem collected.

A typed table is a pandas frame: text columns hold ``""`` where nothing was said, numbers hold NaN, and
the columns ``file`` and ``line`` say where each row came from. Work is done by column and by distinct
value, so that a table of 100,000 rows costs little more than reading it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim import units
from flowsim.errors import Problem
from flowsim.files import Row, Table
from flowsim.schema import TABLES, Column

if TYPE_CHECKING:
    import pandas as pd

ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
SHARE_OF = re.compile(r"\s*(.+?)\s+of\s+([a-z][a-z0-9_]*)\s*")
TRUE, FALSE = {"true", "yes", "1", "是"}, {"", "false", "no", "0", "否"}


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else ""


class Raw:
    """Columns of one table as they were written: object arrays, with file and line of each row."""

    def __init__(self, name: str, columns: dict[str, np.ndarray], files: np.ndarray, lines: np.ndarray):
        self.name, self.columns, self.files, self.lines = name, columns, files, lines

    def __len__(self) -> int:
        return len(self.lines)


def from_csv(name: str, table: Table, problems: list[Problem]) -> Raw:
    """A CSV file as raw columns; ``en`` and ``zh`` make up the label column ``name``."""
    known = [c.name for c in TABLES[name]]
    labelled = any(c.kind == "label" for c in TABLES[name])
    columns = {}
    for key, cells in table.columns.items():
        if key in known or (labelled and key in ("en", "zh")):
            columns[key] = cells
        else:
            problems.append(Problem(f"unknown column `{key}` in {name}.", table.file, 1, nearest(key, known)))
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
                problems.append(Problem(f"unknown key `{key}` in {name}.", row.file, line, hint))
                continue
            if key not in columns:
                columns[key] = np.full(len(rows), None, dtype=object)
            columns[key][position] = value
    files = np.array([row.file for row in rows], dtype=object)
    lines = np.array([row.line for row in rows], dtype=np.int64)
    return Raw(name, columns, files, lines)


def typed(raws: Sequence[Raw], name: str, problems: list[Problem]) -> pd.DataFrame:
    """One typed table out of the raw parts of all its containers."""
    import pandas as pd

    parts = [_typed_part(raw, problems) for raw in raws if len(raw)] or [_empty(name)]
    if len(parts) == 1:
        return pd.DataFrame(parts[0])
    return pd.DataFrame({key: np.concatenate([part[key] for part in parts]) for key in parts[0]})


def _empty(name: str) -> dict[str, np.ndarray]:
    nothing = Raw(name, {}, np.empty(0, dtype=object), np.empty(0, dtype=np.int64))
    return _typed_part(nothing, [])


def _typed_part(raw: Raw, problems: list[Problem]) -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {}
    for column in TABLES[raw.name]:
        if column.kind == "label":
            out.update(_labels(raw, column, problems))
        elif column.kind in ("quantity", "limit"):
            out.update(_quantities(raw, column, problems))
        else:
            out[column.name] = _READERS[column.kind](raw, column, problems)
    out["file"], out["line"] = raw.files, raw.lines
    return out


def _cells(raw: Raw, column: Column, problems: list[Problem]) -> np.ndarray:
    """The column as written, None where empty; missing required cells are reported."""
    cells = raw.columns.get(column.name)
    if cells is None:
        cells = np.full(len(raw), None, dtype=object)
    empty = np.equal(cells, None) | (cells == "")
    if column.required:
        for row in np.flatnonzero(empty)[:20]:
            _report(raw, row, f"`{column.name}` is missing ({column.en}).", problems)
    return np.where(empty, None, cells)


def _report(raw: Raw, row: int, message: str, problems: list[Problem], hint: str = "") -> None:
    problems.append(Problem(f"{raw.name}: {message}", str(raw.files[row]), int(raw.lines[row]), hint))


def _by_distinct(raw: Raw, column: Column, problems: list[Problem], convert: Any) -> list[Any]:
    """Convert each distinct cell once; ``convert`` returns (value, error message or "")."""
    cells = _cells(raw, column, problems)
    seen: dict[Any, Any] = {}
    values = []
    for row, cell in enumerate(cells):
        key = (type(cell), str(cell)) if isinstance(cell, list | dict) else (type(cell), cell)
        if key not in seen:
            value, message = convert(cell)
            seen[key] = value
            if message:
                _report(raw, row, f"`{column.name}`: {message}", problems)
        values.append(seen[key])
    return values


def objects(values: list[Any]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _read_text(raw: Raw, column: Column, problems: list[Problem]) -> np.ndarray:
    def convert(cell: Any) -> tuple[str, str]:
        if cell is None:
            return str(column.default or ""), ""
        if isinstance(cell, list | dict):
            return "", "a text is wanted here, not a list or a mapping."
        text = str(cell)
        if column.kind in ("id", "ref") and not ID.fullmatch(text):
            return text, f"`{text}` is no id; write small letters, digits and _ (convention C9)."
        return text, ""

    return objects(_by_distinct(raw, column, problems, convert))


def _read_choice(raw: Raw, column: Column, problems: list[Problem]) -> np.ndarray:
    def convert(cell: Any) -> tuple[str, str]:
        if cell is None:
            return str(column.default or ""), ""
        text = str(cell)
        if text in column.of:
            return text, ""
        hint = nearest(text, column.of)
        return text, f"`{text}` is not one of {', '.join(c for c in column.of if c)}. {hint}".rstrip()

    return objects(_by_distinct(raw, column, problems, convert))


def _read_number(raw: Raw, column: Column, problems: list[Problem]) -> np.ndarray:
    def convert(cell: Any) -> tuple[float, str]:
        if cell is None:
            return float("nan") if column.default is None else float(column.default), ""  # type: ignore[arg-type]
        if isinstance(cell, bool):
            return float("nan"), "a number is wanted here, not true or false."
        try:
            return float(cell), ""
        except (TypeError, ValueError):
            return float("nan"), f"`{cell}` is not a plain number."

    return np.array(_by_distinct(raw, column, problems, convert), dtype=float)


def _read_share(raw: Raw, column: Column, problems: list[Problem]) -> np.ndarray:
    def convert(cell: Any) -> tuple[float, str]:
        if cell is None:
            return float("nan") if column.default is None else float(column.default), ""  # type: ignore[arg-type]
        try:
            value, unit = units.parse(cell)
        except units.UnitError as error:
            return float("nan"), str(error)
        if unit not in ("", "1"):
            return float("nan"), f"`{cell}` is no share; write a number or a percentage, such as 0.4 or 40 %."
        if value < 0:
            return value, f"`{cell}` is negative."
        if value > 1 and column.name != "cv":
            hint = f" Did you mean {value:g} %?" if unit == "" and value <= 100 else ""
            return value, f"`{cell}` is over 100 %.{hint}"
        return value, ""

    return np.array(_by_distinct(raw, column, problems, convert), dtype=float)


def _read_flag(raw: Raw, column: Column, problems: list[Problem]) -> np.ndarray:
    def convert(cell: Any) -> tuple[bool, str]:
        if cell is None:
            return bool(column.default), ""
        text = str(cell).lower()
        return text in TRUE, "" if text in TRUE | FALSE else f"`{cell}` is neither true nor false."

    return np.array(_by_distinct(raw, column, problems, convert), dtype=bool)


def _read_list(raw: Raw, column: Column, problems: list[Problem]) -> np.ndarray:
    def convert(cell: Any) -> tuple[tuple[str, ...], str]:
        if cell is None:
            return (), ""
        parts = cell if isinstance(cell, list) else re.split(r"[;,\s]+", str(cell))
        return tuple(str(part) for part in parts), ""

    return objects(_by_distinct(raw, column, problems, convert))


_READERS = {
    "id": _read_text,
    "ref": _read_text,
    "text": _read_text,
    "choice": _read_choice,
    "number": _read_number,
    "share": _read_share,
    "flag": _read_flag,
    "list": _read_list,
}


def _labels(raw: Raw, column: Column, problems: list[Problem]) -> dict[str, np.ndarray]:
    """A label ``{en: ..., zh: ...}``, or one text for both."""
    if "en" in raw.columns or "zh" in raw.columns:
        blank = np.full(len(raw), "", dtype=object)
        en, zh = raw.columns.get("en", blank), raw.columns.get("zh", blank)
        if column.required:
            for row in np.flatnonzero((en == "") | (zh == ""))[:20]:
                _report(raw, row, "the name needs both `en` and `zh`.", problems)
        return {"en": en, "zh": zh}

    def convert(cell: Any) -> tuple[tuple[str, str], str]:
        if cell is None:
            return ("", ""), ""
        if not isinstance(cell, dict):
            return (str(cell), str(cell)), ""
        odd = [key for key in cell if key not in ("en", "zh")]
        if odd or not cell.get("en") or not cell.get("zh"):
            return ("", ""), "write a text for both languages, or {en: ..., zh: ...}."
        return (str(cell["en"]), str(cell["zh"])), ""

    pairs = _by_distinct(raw, column, problems, convert)
    return {"en": objects([pair[0] for pair in pairs]), "zh": objects([pair[1] for pair in pairs])}


def _quantities(raw: Raw, column: Column, problems: list[Problem]) -> dict[str, np.ndarray]:
    """Value and canonical unit; for a limit also the good that it is a share of."""
    cells = _cells(raw, column, problems)
    out: dict[str, np.ndarray] = {}
    if column.kind == "limit":
        matches = [SHARE_OF.fullmatch(cell) if isinstance(cell, str) else None for cell in cells]
        out[f"{column.name}_of"] = objects([match.group(2) if match else "" for match in matches])
        cells = objects([m.group(1) if m else cell for m, cell in zip(matches, cells, strict=True)])
    values, found, wrong = units.parse_column(cells)
    for row, message in wrong.items():
        _report(raw, row, f"`{column.name}`: {message}", problems)
    _check_units(raw, column, values, found, out.get(f"{column.name}_of"), set(wrong), problems)
    return {column.name: values, f"{column.name}_unit": found, **out}


def _check_units(
    raw: Raw,
    column: Column,
    values: np.ndarray,
    found: np.ndarray,
    share_of: np.ndarray | None,
    wrong: set[int],
    problems: list[Problem],
) -> None:
    given = ~np.isnan(values)
    for row in np.flatnonzero(given & (found == "")):
        if row not in wrong:
            _report(raw, row, f"`{column.name}: {values[row]:g}` has no unit.", problems, _unit_hint(column))
    if column.of not in ("amount", "stock", "CNY/amount", "CNY/stock"):
        wanted = column.of if isinstance(column.of, tuple) else (column.of,)
        for row in np.flatnonzero(given & (found != "") & ~np.isin(found, wanted)):
            message = f"`{column.name}` is in {found[row]}, but must be in {wanted[0]} or a unit like it."
            _report(raw, row, message, problems)
    if share_of is not None:
        for row in np.flatnonzero((share_of != "") & given & (found != "1")):
            _report(raw, row, f"`{column.name}`: write it as `15 % of {share_of[row]}`.", problems)
        for row in np.flatnonzero((share_of == "") & given & (found == "1")):
            _report(raw, row, f"`{column.name}` is a percentage without its base.", problems, "Write `15 % of GOOD`.")
    signed = column.name in ("price", "cost", "stock_change")
    for row in np.flatnonzero(given & (values < 0)):
        if not signed:
            _report(raw, row, f"`{column.name}` is negative (convention C3).", problems, "Swap `from` and `to` instead.")


def _unit_hint(column: Column) -> str:
    examples = {"amount": "80 kt/a", "stock": "1.43 t", "CNY/stock": "1450 CNY/t", "CNY/amount": "30 CNY/t"}
    example = examples.get(str(column.of), f"1 {column.of}")
    return f"Write the unit with the number, for example `{example}`."
