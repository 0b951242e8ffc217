"""A document as a workbook: its texts on the first sheet, then a sheet for each table, then the pictures.

Ratios and balances are live formulas with their value of now. What comes from data is a number or a text,
never a formula (`flowsim.sheets.put`).
"""

from __future__ import annotations

import io
from typing import Any

from flowsim.report.document import Bullets, Cell, Document, Formula, Paragraph, Picture, Section, Table
from flowsim.sheets import add_table, put, workbook_bytes
from flowsim.views.svg import plain

FULL = "#,##0.######"
"""Format of numbers that stand in full."""
SHEETS = {
    "report": "报告",
    "pictures": "图",
    "summary": "摘要",
    "indicators": "指标",
    "changes": "变化来源",
    "targets": "目标",
    "boundary": "边界平衡",
    "chains": "产业链平衡",
    "links": "链接",
    "ledger": "共生台账",
    "wastes": "未利用废物",
    "definitions": "定义",
    "quality": "数据质量",
    "estimates": "估算",
    "differences": "情景改动",
    "residuals": "残差",
    "processes": "过程",
    "not judged": "未判断目标",
    "sources": "来源",
    "flows": "流",
    "origin": "溯源",
    "data": "数据",
    "values": "平衡值",
    "open": "未确定",
    "more": "其他",
}
"""Names of sheets in Chinese."""
SHEET_NAME = 31
"""Signs that the name of a sheet can have."""
PICTURE_ROWS = 42
"""Rows that a picture covers."""
PICTURE_PIXELS = 1400


def check() -> None:
    """A workbook needs no package beyond those of flowsim; its pictures say so where theirs is missing."""


def content(document: Document) -> bytes:
    """The file, the same bytes for the same document. Raises InputError where a package is missing."""
    return workbook_bytes(lambda book: _fill(book, document))


def _fill(book: Any, document: Document) -> None:
    first = book.add_worksheet(_free(document, "report", []))
    names: dict[int, str] = {}
    pictures: list[Picture] = []
    for section in document.sections:
        for part in section.parts:
            if isinstance(part, Table):
                names[part.number] = _sheet(book, document, part, [name.lower() for name in names.values()])
            elif isinstance(part, Picture):
                pictures.append(part)
    _front(book, first, document, names)
    if pictures:
        _pictures(book.add_worksheet(_free(document, "pictures", [])), document, pictures)


def _front(book: Any, sheet: Any, document: Document, names: dict[int, str]) -> None:
    """Title, facts, and the text of every section with links to the sheets of its tables."""
    head = book.add_format({"bold": True, "font_size": 14, "font_color": "#17466E"})
    title = book.add_format({"bold": True, "font_size": 20, "font_color": "#17466E"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True, "valign": "top"})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 110)
    sheet.hide_gridlines(2)
    put(sheet, 0, 0, plain(document.title), title)
    put(sheet, 1, 0, document.subtitle, bold)
    row = 3
    for name, value in document.facts:
        put(sheet, row, 0, name, bold)
        put(sheet, row, 1, plain(value), wrapped)
        row += 1
    for section in document.sections:
        row += 1
        put(sheet, row, 0, f"{section.number}  {section.heading}", head)
        row = _texts(sheet, row + 1, document, section, names, wrapped)


def _texts(
    sheet: Any, row: int, document: Document, section: Section, names: dict[int, str], wrapped: Any
) -> int:
    """The paragraphs of a section, and where its tables are; gives the row below."""
    for part in section.parts:
        match part:
            case Paragraph():
                put(sheet, row, 1, plain(part.text), wrapped)
            case Bullets():
                for item in part.items:
                    put(sheet, row, 1, plain(f"• {item}"), wrapped)
                    row += 1
                continue
            case Table():
                put(sheet, row, 0, document.caption(part))
                where = f"internal:'{names[part.number]}'!A1"
                sheet.write_url(row, 1, where, string=plain(part.grid.title)[:255])
            case Picture():
                put(sheet, row, 0, document.caption(part))
                put(sheet, row, 1, plain(part.title), wrapped)
        row += 1
    return row


def _sheet(book: Any, document: Document, part: Table, taken: list[str]) -> str:
    """One sheet for a table: its full numbers where it has them, else the numbers that its texts show."""
    name = _free(document, part.sheet, taken)
    right = set(part.grid.right)
    rows: list[list[Any]]
    if part.cells:
        heads, rows = part.columns, [list(row) for row in part.cells]
        formats = [FULL if any(_counts(row[at]) for row in rows) else "" for at in range(len(heads))]
        sheet = add_table(book, name, heads, [[_now(cell) for cell in row] for row in rows], formats, 2)
    else:
        heads = tuple(part.grid.columns)
        rows = [
            [_read(cell) if at in right else plain(cell) for at, cell in enumerate(row)]
            for row in part.grid.rows
        ]
        sheet = add_table(
            book, name, heads, rows, [FULL if at in right else "" for at in range(len(heads))], 2
        )
    put(sheet, 0, 0, f"{document.caption(part)}  {plain(part.grid.title)}", book.add_format({"bold": True}))
    form = book.add_format({"num_format": FULL, "font_color": "#17466E"})
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, Formula):
                sheet.write_formula(at + 3, column, "=" + cell.text.format(row=at + 4), form, cell.value)
    if rows:
        sheet.autofilter(2, 0, 2 + len(rows), len(heads) - 1)
    return name


def _free(document: Document, name: str, taken: list[str]) -> str:
    """The name of a sheet in the language of the document, such that no other has it."""
    word, _, number = name.partition("#")
    said = {"en": word, "zh": SHEETS[word]}.get(document.lang, f"{word} {SHEETS[word]}")
    wanted = f"{said} {number}".strip()[: SHEET_NAME - 3]
    found, count = wanted, 2
    while found.lower() in taken:
        found, count = f"{wanted} {count}", count + 1
    return found


def _counts(cell: Cell) -> bool:
    return isinstance(cell, float | Formula)


def _now(cell: Cell) -> Any:
    """What stands in a cell before its formula is written over it."""
    value = cell.value if isinstance(cell, Formula) else cell
    return plain(value) if isinstance(value, str) else value


def _read(cell: str) -> float | str | None:
    """A number that the program wrote as text, as a number again."""
    try:
        return float(cell.replace(",", "").replace("−", "-"))
    except ValueError:
        return None if cell == "–" else plain(cell)


def _pictures(sheet: Any, document: Document, pictures: list[Picture]) -> None:
    for at, picture in enumerate(pictures):
        row = at * PICTURE_ROWS
        put(sheet, row, 0, f"{document.caption(picture)}  {plain(picture.title)}")
        data = io.BytesIO(picture.png(PICTURE_PIXELS))
        scale = {"x_scale": 0.6, "y_scale": 0.6, "description": plain(picture.alt)}
        sheet.insert_image(row + 1, 0, f"{picture.number}.png", {"image_data": data, **scale})
