"""A document as plain values: sections of paragraphs, lists, tables and pictures, in one language.

The builders fill it once for a language, the writers turn it into a file. `both` lays an English and a
Chinese document over each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flowsim.views.text import Grid

if TYPE_CHECKING:
    from flowsim.views.chart import Chart

PAPER_ROWS = 150
"""Rows of one table that Word and PDF print; a page on a screen and a workbook hold all."""
UNIT = "unit"
"""Heading of a column of units in English."""


@dataclass(frozen=True)
class Formula:
    """A live cell of a workbook, written by the program alone, with its ``value`` as it is now.

    ``text`` is a formula of Excel in which ``{row}`` stands for the number of its row.
    """

    text: str
    value: float


Cell = str | float | int | Formula | None


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; ``is_note`` sets it smaller."""

    text: str
    is_note: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of texts, and the same in full numbers for a workbook where that says more.

    Attributes
    ----------
    grid : title, columns and texts
    sheet : short name of its sheet in a workbook
    columns, cells : headings and values of that sheet; without them it shows the texts of the grid
    """

    grid: Grid
    sheet: str
    columns: tuple[str, ...] = ()
    cells: tuple[tuple[Cell, ...], ...] = ()
    number: int = 0


@dataclass(frozen=True)
class Picture:
    """A chart, or a drawing as SVG text, with a caption; ``alt`` says in words what it shows."""

    title: str
    alt: str
    drawn: Chart | str
    number: int = 0

    def svg(self) -> str:
        """Raises InputError where matplotlib is not installed."""
        if isinstance(self.drawn, str):
            return self.drawn
        from flowsim.views.charts import svg

        return svg(self.drawn)

    def png(self, width: int = 1800) -> bytes:
        """Raises InputError where matplotlib or resvg-py is not installed."""
        if isinstance(self.drawn, str):
            from flowsim.views.sankey import png

            return png(self.drawn, width)
        from flowsim.views import charts

        return charts.png(self.drawn, width)


Part = Paragraph | Bullets | Table | Picture


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; ``level`` 1 or 2, ``number`` such as 3.1."""

    heading: str
    parts: tuple[Part, ...]
    level: int = 1
    number: str = ""


@dataclass(frozen=True)
class Document:
    """Title, what the title page states, and the sections. ``lang`` is en, zh or both."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    lang: str

    def numbered(self) -> Document:
        """The same with numbers on sections, tables and pictures."""
        counts = {1: 0, 2: 0, Table: 0, Picture: 0}
        made = []
        for section in self.sections:
            counts[section.level] += 1
            counts[2] = 0 if section.level == 1 else counts[2]
            number = f"{counts[1]}.{counts[2]}" if section.level == 2 else str(counts[1])
            parts: list[Part] = []
            for part in section.parts:
                if isinstance(part, Table | Picture):
                    counts[type(part)] += 1
                    part = replace(part, number=counts[type(part)])
                parts.append(part)
            made.append(replace(section, parts=tuple(parts), number=number))
        return replace(self, sections=tuple(made))

    def for_paper(self) -> Document:
        """The same with long tables cut, and a line below each that says so."""
        made = []
        for section in self.sections:
            parts: list[Part] = []
            for part in section.parts:
                more = len(part.grid.rows) - PAPER_ROWS if isinstance(part, Table) else 0
                if isinstance(part, Table) and more > 0:
                    part = replace(part, grid=replace(part.grid, rows=part.grid.rows[:PAPER_ROWS]))
                parts.append(part)
                if more > 0:
                    en = f"{more} smaller rows are left out; the .html and .xlsx reports have them."
                    zh = f"此处省略较小的 {more} 行；.html 与 .xlsx 报告含全部内容。"
                    parts.append(Paragraph(self.say(en, zh), is_note=True))
            made.append(replace(section, parts=tuple(parts)))
        return replace(self, sections=tuple(made))

    def caption(self, part: Table | Picture) -> str:
        """``Table 3``, ``图 2`` or ``Table 3 / 表 3``."""
        words = ("Table", "表") if isinstance(part, Table) else ("Figure", "图")
        said = [f"{words[0]} {part.number}", f"{words[1]} {part.number}"]
        return {"en": said[0], "zh": said[1]}.get(self.lang, " / ".join(said))

    def say(self, en: str, zh: str) -> str:
        """One of the writers' own texts in the language of the document."""
        return pair(en, zh) if self.lang == "both" else chosen(self.lang, en, zh)


def chosen(lang: str, en: str, zh: str) -> str:
    """One of two texts that say the same."""
    return zh if lang == "zh" else en


def pair(en: str, zh: str) -> str:
    """Both texts, or the one where they are the same."""
    return en if en == zh else f"{en} / {zh}"


def both(en: Document, zh: Document) -> Document:
    """A document in both languages: English first, tables with labels in both and numbers once.

    Amounts beside a column of units are those of the English table, in its scale and unit. Where a heading
    names the unit, both stand, since thousands there may be 万 here.
    """
    sections = [
        replace(
            one,
            heading=pair(one.heading, other.heading),
            parts=tuple(_both_parts(one.parts, other.parts)),
        )
        for one, other in zip(en.sections, zh.sections, strict=True)
    ]
    facts = [
        (pair(one[0], other[0]), pair(one[1], other[1]))
        for one, other in zip(en.facts, zh.facts, strict=True)
    ]
    titles = pair(en.title, zh.title), pair(en.subtitle, zh.subtitle)
    return Document(*titles, tuple(facts), tuple(sections), "both")


def _both_parts(en: Sequence[Part], zh: Sequence[Part]) -> list[Part]:
    made: list[Part] = []
    for one, other in zip(en, zh, strict=True):
        if isinstance(one, Table) and isinstance(other, Table) and len(one.grid.rows) == len(other.grid.rows):
            made.append(_both_tables(one, other))
        else:
            made += [one, other]
    return made


def _both_tables(one: Table, other: Table) -> Table:
    en, zh = one.grid, other.grid
    columns = [pair(*names) for names in zip(en.columns, zh.columns, strict=True)]
    units = [at for at, name in enumerate(en.columns) if name == UNIT]
    rows = [
        [
            cell if at in units or (units and at in en.right and _is_number(cell)) else pair(cell, their)
            for at, (cell, their) in enumerate(zip(row, theirs, strict=True))
        ]
        for row, theirs in zip(en.rows, zh.rows, strict=True)
    ]
    headings = tuple(pair(*names) for names in zip(one.columns, other.columns, strict=True))
    cells = tuple(
        tuple(
            pair(cell, their) if isinstance(cell, str) and isinstance(their, str) else cell
            for cell, their in zip(row, theirs, strict=True)
        )
        for row, theirs in zip(one.cells, other.cells, strict=True)
    )
    grid = Grid(pair(en.title, zh.title), columns, rows, en.right)
    return Table(grid, one.sheet, headings, cells)


def _is_number(cell: str) -> bool:
    """A number, perhaps with its change in brackets, and no word or unit."""
    return re.search(r"[^\W\d_]", re.sub(r"\de[+-]", "", cell)) is None
