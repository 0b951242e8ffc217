"""A result as a workbook: its tidy tables as sheets, numbers as numbers, names beside ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowsim import titles
from flowsim.result import Result
from flowsim.schema import OUTSIDE
from flowsim.sheets import add_table, frame_sheet, workbook_bytes

if TYPE_CHECKING:
    import pandas as pd


WORDS = {
    "result": ("result", "结果"),
    "flows": ("flows", "物质流"),
    "processes": ("processes", "过程"),
    "stocks": ("stocks", "存量"),
    "checks": ("checks", "校核"),
    "name": ("name", "名称"),
    "scenario": ("scenario", "情景文件"),
    "variant": ("variant", "情景方案"),
    "study": ("study", "计算方式"),
    "largest": ("largest residual / term", "最大残差占比"),
    "row": ("row of that residual", "该残差所在关系"),
    "note": ("note", "说明"),
    "file": ("file", "文件"),
    "digest": ("digest", "摘要"),
    "line": ("line", "行"),
    "process": ("process", "过程"),
    "flow": ("flow", "流"),
    "residual": ("residual", "残差"),
    "how": ("how", "得出方式"),
    "change": ("change", "变化"),
}
"""Texts of these sheets beside the titles of columns: English, Chinese."""


def result_book(result: Result, lang: str = "en") -> bytes:
    """Sheets for what was asked, flows, processes, stocks and the residual of every row.

    Amounts are in canonical units a year, as the column of units says.
    """
    name = _names(result, lang)

    def fill(book: Any) -> None:
        about = result.system.about
        share, row = result.largest_residual
        rows = [
            ("scenario", about["name"][lang]),
            ("variant", about["variant_name"][lang]),
            ("year", about["year"] or None),
            ("study", result.study),
            ("largest", share),
            ("row", result.system.row_text(row) if len(result.system.rhs) else None),
            *(("note", note) for note in result.all_notes(lang)),
            ("file", about["file"]),
            ("digest", about["digest"]),
        ]
        headings = [_title("name", lang), _title("value", lang)]
        add_table(book, _title("result", lang), headings, [(_title(key, lang), value) for key, value in rows])
        named = {f"{column} ": result.flows[column].map(name) for column in ("from", "to", "good")}
        frames = {
            "flows": result.flows.assign(**named),
            "processes": result.processes,
            "stocks": result.stocks,
            "checks": result.checks,
        }
        for key, frame in frames.items():
            _frame(book, key, frame, lang)

    return workbook_bytes(fill)


def _frame(book: Any, key: str, frame: pd.DataFrame, lang: str) -> None:
    headings = [_title(column, lang) for column in frame.columns]
    sheet = frame_sheet(book, _title(key, lang), frame, headings)
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)


def _title(key: str, lang: str) -> str:
    """Heading of a column or name of a sheet; a column of names ends in a blank."""
    if key.endswith(" "):
        return f"{_title(key[:-1], lang)} ({_title('name', lang)})"
    if key in WORDS:
        return WORDS[key][lang == "zh"]
    return titles.COLUMNS.get(key, key) if lang == "zh" else key


def _names(result: Result, lang: str) -> dict[str, str]:
    """Id of a good, process or place outside → its name."""
    names = {place: pair[lang == "zh"] for place, pair in OUTSIDE.items()}
    for frame in (result.system.goods, result.system.processes):
        names |= dict(zip(frame["id"], frame[lang], strict=True))
    return names
