"""Workbooks in: the cells of the sheets of an .xlsx file, each with its place.

What a workbook can hide is refused here: errors such as #REF!, formulas that were never calculated, values
merged over several rows. Numbers stay numbers, dates stay dates, a number that is shown as a percentage is
the text ``5 %``; formulas are read by the value that Excel stored. Macros are never looked at. This room
knows nothing of scenarios.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from flowsim.errors import InputError, Problem, SheetLine
from flowsim.files import MOST_NODES, MOST_PROBLEMS, read_bytes

BOOK_BYTES = 50_000_000
UNPACKED_BYTES = 500_000_000
FORMATS = (".xlsx", ".xlsm")
SAVE_AS_XLSX = "Open it in Excel or WPS and save it as .xlsx, without a password."
CALCULATE = "Open the workbook in Excel or WPS, let it calculate, save it, and run again."

_CELL = re.compile(rb"<(?:\w+:)?c\s([^<>]*[^<>/])>(.*?)</(?:\w+:)?c>", re.DOTALL)
_OPENING = re.compile(rb"<(?:\w+:)?c\s([^<>]*)>")
_STYLE = re.compile(rb'\bs="([0-9]+)"')
_ROW = re.compile(rb"<(?:\w+:)?row\s([^<>]*)>")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]+)</", re.DOTALL)


@dataclass(frozen=True)
class Sheet:
    """The rows of a sheet that hold something: number of the row from 1, and its cells from column A.

    An empty cell is None, a text is stripped, a number is an int where it is whole. ``file`` names the
    workbook and the sheet, as messages do. ``hidden`` are rows with values that nobody sees.
    """

    name: str
    file: str
    rows: list[tuple[int, list[Any]]] = field(repr=False)
    hidden: tuple[int, ...] = ()


def letters(position: int) -> str:
    """Letters of a column counted from 0: A, B, ..., Z, AA."""
    text = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        text = chr(65 + rest) + text
    return text


def is_workbook(path: str | Path) -> bool:
    """Whether the name of a file is that of a workbook, of a kind that can be read or not."""
    return Path(path).suffix.lower() in (*FORMATS, ".xls", ".xlsb", ".ods", ".et")


def read_workbook(path: str | Path) -> list[Sheet]:
    """The sheets of a workbook, but those whose name begins with ``_``.

    Raises
    ------
    InputError : the file cannot be read, is of another kind, has a password, is damaged or too large, or
        holds cells that have no value: errors, formulas that were never calculated, rows merged into one
    """
    file = str(path)
    if Path(path).suffix.lower() not in FORMATS:
        raise InputError(Problem("workbooks of this kind are not read.", file, hint=SAVE_AS_XLSX))
    data = read_bytes(path, BOOK_BYTES, "Put bulk data into CSV files.")
    try:
        return _sheets(data, file)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, EOFError, NotImplementedError):
        raise InputError(_damaged(data, file)) from None


def _damaged(data: bytes, file: str) -> Problem:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        message = "this is a workbook with a password, or one of the old format .xls."
        return Problem(message, file, hint=SAVE_AS_XLSX)
    return Problem("this is no workbook, or a damaged one.", file, hint=SAVE_AS_XLSX)


def _sheets(data: bytes, file: str) -> list[Sheet]:
    from python_calamine import CalamineError, CalamineWorkbook

    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        if sum(part.file_size for part in parts.infolist()) > UNPACKED_BYTES:
            message = f"the workbook holds over {UNPACKED_BYTES / 1e6:.0f} MB when it is unpacked."
            raise InputError(Problem(message, file, hint="Put bulk data into CSV files."))
        never_calculated = b'fullCalcOnLoad="1"' in parts.read("xl/workbook.xml")
        percent = _percent_styles(parts)
        scans = {
            name: _scan(parts.read(part), never_calculated, percent)
            for name, part in _parts(parts)
            if not name.startswith("_")
        }
    wrong = [
        Problem(message, _file(file, name), line, hint)
        for name, scan in scans.items()
        for message, line, hint in scan.wrong
    ]
    if wrong:
        raise InputError(wrong[:MOST_PROBLEMS])
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            return [_sheet(book.get_sheet_by_name(name), file, name, scan) for name, scan in scans.items()]
    except CalamineError:
        raise InputError(_damaged(data, file)) from None


def _file(file: str, sheet: str) -> str:
    return f"{file}, sheet {sheet}"


def _parts(parts: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Names of the worksheets and the parts of the zip file that hold them (ECMA-376 part 1, 12.3.23)."""
    book, links = (
        ElementTree.fromstring(_xml(parts, name))
        for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")
    )
    targets = {link.get("Id"): link for link in links}
    for sheet in book.iter():
        if not sheet.tag.endswith("}sheet"):
            continue
        link = targets[next(value for key, value in sheet.items() if key.endswith("}id"))]
        if link.get("Type", "").endswith("/worksheet"):
            target = link.get("Target", "")
            yield sheet.get("name", ""), target[1:] if target.startswith("/") else f"xl/{target}"


def _xml(parts: zipfile.ZipFile, name: str) -> bytes:
    data = parts.read(name)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("a workbook defines no entities")
    return data


def _percent_styles(parts: zipfile.ZipFile) -> set[bytes]:
    """The numbers of the cell styles that show a percentage (ECMA-376 part 1, 18.8.30: formats 9 and 10)."""
    if "xl/styles.xml" not in parts.namelist():
        return set()
    percent, styles = {"9", "10"}, list[str]()
    for part in ElementTree.fromstring(_xml(parts, "xl/styles.xml")):
        if part.tag.endswith("}numFmts"):
            percent |= {form.get("numFmtId", "") for form in part if "%" in form.get("formatCode", "")}
        if part.tag.endswith("}cellXfs"):
            styles = [style.get("numFmtId", "") for style in part]
    return {str(number).encode() for number, form in enumerate(styles) if form in percent}


@dataclass
class _Scan:
    """What the values of a sheet do not show: cells without a value, hidden rows, cells in per cent."""

    wrong: list[tuple[str, SheetLine, str]]
    hidden: set[int]
    percent: set[tuple[int, int]]


def _scan(xml: bytes, never_calculated: bool, percent: set[bytes]) -> _Scan:
    """Look through a sheet as it is written: readers take an error or a missing value for an empty cell."""
    wrong: list[tuple[str, SheetLine, str]] = []
    places = _PLACE.findall(xml)
    rows = max((int(row) for _, row in places), default=0)
    wide = max((column for column, _ in places), key=lambda column: (len(column), column), default=b"A")
    if rows * _number(wide) > MOST_NODES:
        far = SheetLine(rows, wide.decode())
        wrong.append((f"the sheet reaches to here: over {MOST_NODES:,} cells.", far, "Delete what is empty."))
    if b"<f" in xml or b":f>" in xml or b't="e"' in xml:
        wrong += [
            fault for about, inner in _CELL.findall(xml) if (fault := _fault(about, inner, never_calculated))
        ]
    hidden = {
        int(number[1])
        for row in _ROW.findall(xml)
        if re.search(rb'\bhidden="(?:1|true)"', row) and (number := re.search(rb'\br="([0-9]+)"', row))
    }
    in_percent = {
        (int(place[2]), _number(place[1]) - 1)
        for cell in (_OPENING.findall(xml) if percent else ())
        if (style := _STYLE.search(cell)) and style[1] in percent and (place := _PLACE.search(cell))
    }
    return _Scan(wrong, hidden, in_percent)


def _number(column: bytes) -> int:
    number = 0
    for letter in column:
        number = number * 26 + letter - 64
    return number


def _fault(about: bytes, inner: bytes, never_calculated: bool) -> tuple[str, SheetLine, str] | None:
    """Why a cell has no value that can be trusted, or nothing."""
    place = _PLACE.search(about)
    line = SheetLine(int(place[2]), place[1].decode()) if place else SheetLine(0)
    value = _VALUE.search(inner)
    if b't="e"' in about:
        said = value[1].decode(errors="replace") if value else "an error"
        return f"the cell holds {said}.", line, "Mend its formula, or write the value."
    if not re.search(rb"<(?:\w+:)?f[\s/>]", inner) or b't="str"' in about:
        return None
    if not value or (never_calculated and value[1] == b"0"):  # what writers put where they cannot calculate
        return "the formula in this cell was never calculated.", line, CALCULATE
    return None


def _sheet(cells: Any, file: str, name: str, scan: _Scan) -> Sheet:
    place = _file(file, name)
    rows = [
        (number, [_plain(value, (number, at) in scan.percent) for at, value in enumerate(row)])
        for number, row in enumerate(cells.to_python(skip_empty_area=False), start=1)
    ]
    rows = [(number, row) for number, row in rows if any(value is not None for value in row)]
    _check_merged(cells.merged_cell_ranges or (), dict(rows), place)
    return Sheet(name, place, rows, tuple(number for number, _ in rows if number in scan.hidden))


def _plain(value: Any, in_percent: bool) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if in_percent and isinstance(value, float):
        return f"{value * 100:.12g} %"
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _check_merged(ranges: Any, rows: dict[int, list[Any]], place: str) -> None:
    """A value merged over several rows with values: nobody can say whether it holds for each or for all."""
    wrong = []
    for (top, left), (bottom, right) in ranges:
        if bottom > top and sum(row in rows for row in range(top + 1, bottom + 2)) > 1:
            area = f"{letters(left)}{top + 1}:{letters(right)}{bottom + 1}"
            hint = "Split the cell and write the value in each row."
            line = SheetLine(top + 1, letters(left))
            wrong.append(Problem(f"the cells {area} are merged over several rows.", place, line, hint))
    if wrong:
        raise InputError(wrong)
