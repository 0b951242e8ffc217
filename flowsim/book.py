"""A workbook as a scenario document: its sheets are the tables of `flowsim.schema`, rows under headings.

What comes out is what a YAML file would give, so that all that follows is the same. A sheet or a heading
whose name begins with ``_`` is left out; a row under the headings whose first cell begins with ``#``
explains them and is passed over.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from flowsim import flat, titles
from flowsim.errors import InputError, Problem, SheetLine, with_cell
from flowsim.files import Row
from flowsim.schema import TABLES
from flowsim.tables import nearest
from flowsim.workbook import Sheet, letters

AMOUNTS = ("amount", "stock", "CNY/stock")
"""Dimensions of the numbers that the column ``unit`` of a sheet goes with."""
LEAVE_OUT = "Begin its name with _ to leave it out."


def columns_of(table: str) -> dict[str, str]:
    """The columns that a sheet may have, in the order of a template, with their Chinese titles."""
    if table == "variants":
        return {name: titles.COLUMNS[name] for name in titles.VARIANTS}
    names: list[str] = []
    for column in TABLES[table]:
        names += ["en", "zh"] if column.kind == "label" else [column.name]
        if column.name in united(table) and "unit" not in names:
            names.append("unit")
    return {name: titles.COLUMNS.get(name, name) for name in (*names, "variant")}


def united(table: str) -> tuple[str, ...]:
    """The columns of a table whose bare numbers are counted in the ``unit`` of their row."""
    if table == "variants":
        return ("value",)
    return tuple(c.name for c in TABLES[table] if c.kind in ("quantity", "limit") and c.of in AMOUNTS)


def book_document(file: str, sheets: list[Sheet]) -> Row:
    """The document that the sheets of a workbook state.

    Raises
    ------
    InputError : unknown or double sheets and headings, values under no heading, dates, rows out of place
    """
    problems: list[Problem] = []
    named = _named(sheets, problems)
    document = _top(file, named.pop("scenario"), problems)
    document.hidden = hidden_rows(sheets)
    own: dict[str, list[Row]] = {}
    added: dict[str, dict[str, list[Row]]] = {}
    for table, sheet in named.items():
        rows, document.letters = _rows(sheet, table, problems, document.letters)
        own[table] = [row for row in rows if table == "variants" or not row.get("variant")]
        for row in rows if table != "variants" else ():
            if name := row.pop("variant", None):
                added.setdefault(table, {}).setdefault(str(name), []).append(row)
    for table, rows in own.items():
        if rows:
            _put_table(document, table, rows, named[table], problems)
    for table, by_variant in added.items():
        stated = document.setdefault("variants", Row((), file, 0))
        flat.add_rows(stated, table, by_variant, problems)
    if problems:
        found = [with_cell(problem, document.letters) for problem in problems]
        raise InputError(sorted(found, key=lambda problem: (problem.file, problem.line)))
    return document


def hidden_rows(sheets: list[Sheet]) -> list[str]:
    """The places of rows that hold something and are hidden."""
    return [f"{sheet.file}, row {row}" for sheet in sheets for row in sheet.hidden]


def _put_table(document: Row, table: str, rows: list[Row], sheet: Sheet, problems: list[Problem]) -> None:
    line = SheetLine(rows[0].line - 1, "", sheet.name)
    if table in document:
        message = "the sheet `scenario` names a set of targets, and the sheet `targets` states some."
        problems.append(Problem(message, sheet.file, line, "Keep one of the two."))
    document[table] = (
        flat.nested_variants(rows, problems) if table == "variants" else flat.nested(table, rows, problems)
    )
    document.lines[table] = line


def _named(sheets: list[Sheet], problems: list[Problem]) -> dict[str, Sheet]:
    """The sheets by table."""
    out: dict[str, Sheet] = {}
    for sheet in sheets:
        table = titles.named(sheet.name, titles.TABLES)
        if table is None:
            hint = f"{nearest(sheet.name.lower(), titles.TABLES)} {LEAVE_OUT}".strip()
            problems.append(Problem(f"there is no table `{sheet.name}`.", sheet.file, hint=hint))
        elif table in out:
            message = f"the sheets `{out[table].name}` and `{sheet.name}` are both the table `{table}`."
            problems.append(Problem(message, sheet.file, hint="Keep one of them."))
        else:
            out[table] = sheet
    return out


def _top(file: str, sheet: Sheet, problems: list[Problem]) -> Row:
    """The sheet ``scenario``: a key in the first column, its value in the second."""
    document = Row((), file, SheetLine(1, "", sheet.name))
    document.lines["flowsim"] = SheetLine(1, "", sheet.name)
    labels: dict[str, Row] = {}
    known = {key: title for key, (title, _, _) in titles.TOP.items()}
    for number, (key, value, *_) in ((number, [*cells, None]) for number, cells in sheet.rows):
        if key in ("key", titles.COLUMNS["key"]) or key is None:
            continue
        name = titles.named(key, known)
        if name is None:
            hint = nearest(str(key), known) or f"Known: {', '.join(known)}."
            problems.append(Problem(f"unknown key `{key}`.", sheet.file, SheetLine(number, "A"), hint))
        elif value is not None:
            line = SheetLine(number, "B", sheet.name)
            stem, _, lang = name.partition("_")
            if lang:
                label = labels.setdefault(stem, Row((), file, line))
                label[lang], label.lines[lang] = str(value), line
            else:
                document[name] = flat.variant_list(value) if name == "library" else value
                document.lines[name] = line
    for stem, label in labels.items():
        document[stem] = label if len(label) == 2 else next(iter(label.values()))
        document.lines[stem] = label.line
    return document


def _rows(
    sheet: Sheet, table: str, problems: list[Problem], known_letters: Mapping[str, Mapping[str, str]]
) -> tuple[list[Row], Mapping[str, Mapping[str, str]]]:
    """The rows of a sheet by column, and the letters of its columns beside those of the other sheets."""
    known = columns_of(table)
    place = header_of(sheet, known)
    if place is None:
        if sheet.rows:
            hint = f"A row of headings is wanted, such as {', '.join(list(known)[:4])}."
            problems.append(Problem("no row names the columns.", sheet.file, hint=hint))
        return [], {**known_letters, sheet.file: {}}
    columns = headings(sheet, place, known, problems)
    rows = []
    for row in body_rows(sheet, place, columns, problems):
        _add_unit(row, table)
        if row:
            rows.append(row)
    at = {name: letters(position) for position, name in columns.items() if name}
    name = at.get("en", at.get("zh", ""))
    return rows, {**known_letters, sheet.file: {"name": name, **at}}


def header_of(sheet: Sheet, known: Mapping[str, str | tuple[str, ...]]) -> int | None:
    """The position of the first row of which two cells (or all) are headings, among the first twenty rows."""
    for position, (_, cells) in enumerate(sheet.rows[:20]):
        texts = [cell for cell in cells if cell is not None]
        found = {name for cell in texts if (name := titles.named(cell, known))}
        if len(found) >= min(2, len(texts)):
            return position
    return None


def headings(
    sheet: Sheet, place: int, known: Mapping[str, str | tuple[str, ...]], problems: list[Problem]
) -> dict[int, str]:
    """Position → column; '' for a column that is left out. What is unknown or double is a problem."""
    number, cells = sheet.rows[place]
    out: dict[int, str] = {}
    for at, cell in enumerate(cells):
        if cell is None:
            continue
        line = SheetLine(number, letters(at))
        name = "" if str(cell).startswith("_") else titles.named(cell, known)
        if name is None:
            hint = f"{nearest(str(cell), known) or 'Known: ' + ', '.join(known) + '.'} {LEAVE_OUT}"
            problems.append(Problem(f"unknown column `{cell}`.", sheet.file, line, hint))
            name = ""
        elif name and name in out.values():
            problems.append(Problem(f"a second column is `{name}`.", sheet.file, line, "Keep one of them."))
        out[at] = name
    return out


def body_rows(sheet: Sheet, place: int, columns: Mapping[int, str], problems: list[Problem]) -> list[Row]:
    """The rows below the headings, each value with its cell."""
    out = []
    for position, (number, cells) in enumerate(sheet.rows[place + 1 :]):
        first = next(cell for cell in cells if cell is not None)
        if position == 0 and isinstance(first, str) and first.startswith("#"):
            continue
        row = Row((), sheet.file, SheetLine(number))
        for at, cell in enumerate(cells):
            name = columns.get(at)
            if cell is None or name == "":
                continue
            line = SheetLine(number, letters(at))
            if name is None:
                hint = "Give its column a heading, or delete it."
                problems.append(Problem(f"the value `{cell}` has no heading.", sheet.file, line, hint))
            elif isinstance(cell, datetime.date | datetime.time | datetime.timedelta):
                hint = "Format the cell as a number or a text, and write the value again."
                problems.append(Problem(f"`{name}`: the cell holds a date or time.", sheet.file, line, hint))
            else:
                row[name], row.lines[name] = cell, line
        if row:
            out.append(row)
    return out


def _add_unit(row: Row, table: str) -> None:
    """Numbers get the unit of their row."""
    amounts = united(table)
    if not amounts or "unit" not in row:
        return
    unit = row.pop("unit")
    for name in amounts:
        if isinstance(row.get(name), int | float) and not isinstance(row[name], bool):
            row[name] = f"{number_text(row[name])} {unit}"


def number_text(value: Any) -> str:
    """A number as a scenario writes it."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
