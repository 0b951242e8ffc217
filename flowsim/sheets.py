"""Sheets out: tables into an Excel workbook whose texts are never formulas, the same bytes each time."""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from flowsim.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

MOST_SIGNS = 32_767
"""Signs that one cell of Excel can hold."""
CREATED = datetime.datetime(2000, 1, 1)
"""Written as the date of every workbook, so that equal contents give equal bytes."""
NARROWEST, WIDEST = 8, 44
HEAD = {"bold": True, "bg_color": "#DCE6F1", "bottom": 1, "valign": "top", "text_wrap": True}


def workbook_bytes(fill: Callable[[Any], None]) -> bytes:
    """The bytes of a workbook that ``fill`` puts sheets into; it gets an `xlsxwriter.Workbook`.

    Texts that look like formulas, links or numbers stay texts (`put`).
    """
    import xlsxwriter

    stream = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(stream, options)
    book.set_properties({"created": CREATED})
    fill(book)
    book.close()
    return stream.getvalue()


def put(sheet: Any, row: int, column: int, value: Any, form: Any = None) -> None:
    """Write one value as what it is: a text never becomes a formula, what is missing stays empty.

    Raises
    ------
    InputError : a text that is too long for a cell
    """
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, form)
    elif value is None or (isinstance(value, float) and math.isnan(value)) or value == "":
        sheet.write_blank(row, column, None, form)
    elif isinstance(value, int | float) and math.isfinite(value):
        sheet.write_number(row, column, value, form)
    else:
        text = str(value)
        if len(text) > MOST_SIGNS:
            message = f"a text of {len(text)} signs is too long for a cell of Excel: `{text[:40]}...`."
            raise InputError(Problem(message, hint=f"At most {MOST_SIGNS} fit; shorten it."))
        sheet.write_string(row, column, text, form)


def add_table(
    book: Any,
    name: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    formats: Sequence[str] = (),
    heading_row: int = 0,
) -> Any:
    """A sheet with a frozen row of headings and the rows below it; gives the `xlsxwriter` sheet.

    ``formats`` are number formats of Excel by column, such as ``#,##0.0``, '' for none. Columns are as wide
    as what they hold. Rows above ``heading_row`` are left for a title.
    """
    sheet = book.add_worksheet(name)
    head = book.add_format(HEAD)
    forms = [book.add_format({"num_format": code}) if code else None for code in formats]
    forms += [None] * (len(headings) - len(forms))
    widths = [width_of(text) for text in headings]
    for column, text in enumerate(headings):
        put(sheet, heading_row, column, text, head)
    for number, row in enumerate(rows, start=heading_row + 1):
        for column, value in enumerate(row):
            put(sheet, number, column, value, forms[column])
            widths[column] = max(widths[column], width_of(value))
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(heading_row + 1, 1)
    return sheet


def width_of(value: Any) -> float:
    """Width of a column that shows a value, in signs; a Chinese sign is as wide as two."""
    if isinstance(value, float):
        value = f"{value:.6g}"
    text = "" if value is None else str(value)
    return min(max(NARROWEST, 2 + sum(2 if ord(sign) > 0x2E80 else 1 for sign in text)), WIDEST)


def frame_sheet(book: Any, name: str, frame: pd.DataFrame, headings: Sequence[str] = ()) -> Any:
    """A sheet of a table of pandas: what is not finite is left empty, numbers get separators."""
    formats = ["#,##0.######" if kind == "f" else "" for kind in (dtype.kind for dtype in frame.dtypes)]
    values = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    rows = [
        [None if isinstance(cell, float) and math.isinf(cell) else cell for cell in row] for row in values
    ]
    return add_table(book, name, headings or list(frame.columns), rows, formats)
