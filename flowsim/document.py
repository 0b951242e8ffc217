"""One way in for every container: YAML, a workbook, or a plain table of flows → a scenario document."""

from __future__ import annotations

from pathlib import Path

from flowsim import titles
from flowsim.book import book_document
from flowsim.files import Row, read_yaml
from flowsim.plain import plain_csv, plain_sheet
from flowsim.workbook import is_workbook, read_workbook


def read_document(path: str | Path) -> Row:
    """The document that a file states, as `flowsim.files.read_yaml` gives it.

    A workbook with a sheet ``scenario`` holds tables, any other one plain table of flows; so does a CSV file.

    Raises
    ------
    InputError : the file cannot be read, or is not what its name says
    """
    if is_workbook(path):
        sheets = read_workbook(path)
        if any(titles.named(sheet.name, titles.TABLES) == "scenario" for sheet in sheets):
            return book_document(str(path), sheets)
        return plain_sheet(str(path), sheets)
    if Path(path).suffix.lower() == ".csv":
        return plain_csv(path)
    return read_yaml(path)
