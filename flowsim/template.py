"""A scenario as a workbook to fill in: headings, notes and drop-downs in both languages.

What the scenario says stands in it, so that reading it back gives the same scenario.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flowsim import files, titles
from flowsim.book import columns_of, number_text, united
from flowsim.flat import ACTIONS, flat_document, flat_variants
from flowsim.scenario import SHIPPED, Scenario
from flowsim.schema import OUTSIDE, TABLES, Column
from flowsim.sheets import HEAD, put, width_of, workbook_bytes
from flowsim.workbook import letters

ALWAYS = (
    "goods",
    "recipes",
    "processes",
    "flows",
    "pools",
    "links",
    "facts",
    "contents",
    "layers",
    "variants",
)
"""Sheets that stand in every workbook; the others are there if the scenario fills them."""
ROOM = 500
"""Rows that drop-downs are set on, at least."""
LISTS = "_lists"
REQUIRED = {**HEAD, "bg_color": "#F8CBAD"}
EXPLAINED = {"italic": True, "font_color": "#595959", "text_wrap": True, "valign": "top", "bottom": 4}

KINDS = {
    "quantity": ("number with unit", "数值和单位"),
    "limit": ("amount per year, or `15 % of GOOD`", "年数量，或 `15 % of 物料编号`"),
    "share": ("share, such as 0.4 or 40 %", "比例，如 0.4 或 40 %"),
    "number": ("plain number", "数字"),
    "flag": ("TRUE or FALSE", "TRUE（是）或 FALSE（否）"),
    "list": ("several, separated by `;`", "多个值用分号隔开"),
    "id": ("small letters, digits and _", "小写字母、数字和下划线"),
    "ref": ("id of a row of `{of}`", "`{of}` 表中的编号"),
    "layer": ("letters, digits and _, such as Cu", "字母、数字和下划线，如 Cu"),
    "choice": ("one of: {of}", "可选：{of}"),
}
"""Kind of a column → how it is written."""


def template(scenario: Scenario, lang: str = "en", folder: str | Path = ".") -> bytes:
    """A workbook that says what the scenario says, variants included; libraries are named, not copied.

    Parameters
    ----------
    scenario : a scenario that was read from a file
    lang : language of the names of sheets and headings, ``en`` (the ids) or ``zh``
    folder : where the workbook will lie; folders of libraries are named from there

    Raises
    ------
    InputError : the scenario was made from tables, or holds a text that is too long for a cell
    """
    document = scenario.document
    tables = flat_document(document)
    tables["variants"] = flat_variants(document.get("variants") or {}, document)
    order = [name for name in (*TABLES, "variants") if name in ALWAYS or tables.get(name)]

    def fill(book: Any) -> None:
        _top_sheet(book, document, lang, Path(folder))
        lists = _Lists(book, scenario, lang)
        for name in order:
            _table_sheet(book, name, tables.get(name, []), lang, lists)
        lists.write()

    return workbook_bytes(fill)


def relocated(document: files.Row, folder: str | Path) -> list[str]:
    """The libraries of a document as a file in ``folder`` names them; the shipped one by its own name.

    Raises
    ------
    InputError : a folder that is not there, or outside the project
    """
    stated = document.get("library")
    out = []
    for name in stated if isinstance(stated, list) else [] if stated is None else [stated]:
        path = files.share() / "data"
        if name != SHIPPED:
            path = files.inside(document.file, name, document.lines["library"], "folder")
        is_shipped = path.resolve() == (files.share() / "data").resolve()
        out.append(SHIPPED if is_shipped else Path(os.path.relpath(path, folder)).as_posix())
    return out


# ---- the sheet of the scenario ----


def _top_sheet(book: Any, document: files.Row, lang: str, folder: Path) -> None:
    values = {key: document.get(key) for key in ("flowsim", "year", "base")}
    for key in ("name", "description"):
        label = document.get(key)
        pair = label if isinstance(label, Mapping) else {"en": label}
        values |= {f"{key}_{language}": text for language, text in pair.items()}
    values["library"] = "; ".join(relocated(document, folder)) or None
    values["targets"] = document["targets"] if isinstance(document.get("targets"), str) else None
    sheet = book.add_worksheet(_sheet_name("scenario", lang))
    head, soft = book.add_format(HEAD), book.add_format(EXPLAINED)
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for column, text in enumerate(("键", "数值", "说明") if lang == "zh" else ("key", "value", "meaning")):
        put(sheet, 0, column, text, head)
    for row, (key, (title, *meaning)) in enumerate(titles.TOP.items(), start=1):
        put(sheet, row, 0, title if lang == "zh" else key)
        put(sheet, row, 1, values.get(key), wrap)
        put(sheet, row, 2, "\n".join(meaning), soft)
    for column, width in enumerate((18, 60, 60)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 1)


def _sheet_name(table: str, lang: str) -> str:
    return titles.TABLES[table][1] if lang == "zh" else table


# ---- the sheets of the tables ----


def _table_sheet(book: Any, table: str, rows: Sequence[Mapping[str, Any]], lang: str, lists: _Lists) -> None:
    known = {column.name: column for column in TABLES.get(table, ())}
    columns = columns_of(table)
    sheet = book.add_worksheet(_sheet_name(table, lang))
    head, required, soft = (book.add_format(form) for form in (HEAD, REQUIRED, EXPLAINED))
    text_form = book.add_format({"num_format": "@"})
    split = [_split(row, table) for row in rows]
    for at, (name, title) in enumerate(columns.items()):
        heading = title if lang == "zh" else name
        about = explained(table, name)
        must = name in known and known[name].required
        put(sheet, 0, at, heading, required if must else head)
        note = f"{name} · {title}\n{about[0]}\n{about[1]}"
        sheet.write_comment(0, at, note, {"x_scale": 2.2, "y_scale": 1.6, "author": "flowsim"})
        put(sheet, 1, at, ("# " if at == 0 else "") + about[lang == "zh"], soft)
        is_text = name in known and known[name].kind not in ("number", "quantity", "limit", "flag")
        widest = max([width_of(heading), 12, *(width_of(row.get(name)) for row in split)])
        sheet.set_column(at, at, widest, text_form if is_text else None)
        for number, row in enumerate(split, start=2):
            if row.get(name) is not None:
                put(sheet, number, at, row[name], text_form if is_text else None)
        source = lists.source(table, name, known.get(name))
        if source:
            last = max(ROOM, len(rows) + 100)
            sheet.data_validation(
                2, at, last, at, {"validate": "list", "source": source, **_say(known.get(name))}
            )
    sheet.set_row(1, 48)
    sheet.freeze_panes(2, 1)


def _say(column: Column | None) -> dict[str, Any]:
    """A wrong choice is stopped; an id that is not in the list may be a new one."""
    if column is not None and column.kind == "ref":
        return {"show_error": False}
    return {"error_title": "flowsim", "error_message": "Choose one from the list.\n请从列表中选择。"}


def explained(table: str, name: str) -> tuple[str, str]:
    """What a column of a sheet means, in English and Chinese."""
    if table == "variants":
        return titles.VARIANTS[name]
    column = next((column for column in TABLES[table] if column.name == name), None)
    if column is None:
        return titles.ADDED[name]
    of = ", ".join(filter(None, column.of)) if isinstance(column.of, tuple) else column.of
    how = tuple(text.format(of=of) for text in KINDS.get(column.kind, ("", "")))
    must = ("required", "必填") if column.required else ("", "")
    en = "; ".join(part for part in (column.en, how[0], must[0]) if part)
    return en, "；".join(part for part in (titles.COLUMNS.get(name, name), how[1], must[1]) if part)


def _split(row: Mapping[str, Any], table: str) -> dict[str, Any]:
    """The cells of a row; amounts in the unit of the first become numbers, and it the ``unit``."""
    cells = {
        key: "; ".join(map(str, value)) if isinstance(value, list) else value for key, value in row.items()
    }
    amounts = [name for name in united(table) if cells.get(name) is not None]
    parts = {name: _parts(cells[name]) for name in amounts}
    units = [part[1] for part in parts.values() if part]
    if not units or any(not isinstance(cells[name], str) for name in amounts):
        return cells
    cells["unit"] = units[0]
    return cells | {name: part[0] for name, part in parts.items() if part and part[1] == units[0]}


def _parts(text: Any) -> tuple[float, str] | None:
    """Number and unit of a text, if writing them apart loses nothing."""
    number, _, unit = text.partition(" ") if isinstance(text, str) else ("", "", "")
    try:
        value = float(number)
    except ValueError:
        return None
    is_same = number_text(value) == number and float(f"{value:.16G}") == value
    return (value, unit) if is_same and unit and "%" not in unit and unit == unit.strip() else None


class _Lists:
    """The sheet that drop-downs take their entries from, one column for each list."""

    def __init__(self, book: Any, scenario: Scenario, lang: str):
        self.sheet = None
        self.book, self.lang = book, lang
        self.columns: list[tuple[str, list[str], str]] = []  # name, entries, table whose ids follow them
        goods, recipes = scenario.tables["goods"], scenario.tables["recipes"]
        self.known = {
            "goods": list(dict.fromkeys(goods["id"])),
            "recipes": sorted(set(recipes["recipe"])),
            "processes": [],
        }

    def source(self, table: str, name: str, column: Column | None) -> str:
        """The range that a drop-down of a column takes its entries from, '' if it has none."""
        if table == "variants" and name == "action":
            return self._range("action", list(ACTIONS), "")
        if column is None or column.kind not in ("choice", "ref", "flag"):
            return ""
        if column.kind == "flag":
            return self._range("flag", ["TRUE", "FALSE"], "")
        if column.kind == "choice":
            choices = [choice for choice in column.of if choice]
            return self._range(f"{table}.{name}", choices, "")
        of = str(column.of)
        entries = [*OUTSIDE] if name in ("from", "to") else self.known.get(of, [])
        return self._range(
            f"{of}.{name in ('from', 'to')}", entries, "processes" if of == "processes" else ""
        )

    def _range(self, name: str, entries: list[str], table: str) -> str:
        alike = (at for at, other in enumerate(self.columns) if other[1:] == (entries, table))
        at = next(alike, len(self.columns))
        if at == len(self.columns):
            self.columns.append((name, entries, table))
        last = len(entries) + (ROOM if table else 0)
        return f"={LISTS}!${letters(at)}$2:${letters(at)}${last + 1}"

    def write(self) -> None:
        """Write the lists; the ids of processes that are entered later follow by formula."""
        sheet = self.book.add_worksheet(LISTS)
        for at, (name, entries, table) in enumerate(self.columns):
            put(sheet, 0, at, name)
            for row, entry in enumerate(entries, start=1):
                put(sheet, row, at, entry)
            for row in range(ROOM if table else 0):
                cell = f"'{_sheet_name(table, self.lang)}'!A{row + 3}"
                sheet.write_formula(len(entries) + 1 + row, at, f'=IF({cell}="","",{cell})', None, "")
        sheet.hide()
