"""Scenarios, systems, results and answers as a notebook shows them: short tables and a picture.

Every text of data is escaped, nothing is loaded and nothing runs.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.compare import Comparison
from flowsim.display import Displayed
from flowsim.errors import InputError, Problem
from flowsim.result import Result
from flowsim.scenario import Scenario
from flowsim.studies.reconciliation import Reconciliation
from flowsim.studies.years import Simulation
from flowsim.system import ROW_KINDS, System
from flowsim.units import Language
from flowsim.views.charts import bars, svg, years
from flowsim.views.reconcile_text import reconcile_grids, verdict
from flowsim.views.sankey import sankey
from flowsim.views.svg import safe
from flowsim.views.text import (
    SHORT,
    Grid,
    comparison_grids,
    comparison_notes,
    heading,
    residual_text,
    run_grids,
    variant_heading,
)
from flowsim.views.years_text import simulation_grids
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.views.chart import Chart

MOST_ROWS = 15
"""Rows of a table that are shown; how many more there are is said."""
MOST_NODES = 14
"""Processes in a small Sankey picture; the others are one."""

_CELL = "padding:2px 8px;text-align:{};white-space:{}"


class show(Displayed):  # noqa: N801  # reads as a function: fs.show(result, lang="zh")
    """A scenario, system, result, comparison, reconciliation or simulation, shown in a language.

    >>> fs.show(result, lang="zh")  # in a notebook: tables and a picture in Chinese

    Raises
    ------
    InputError : a language that does not exist, or a value of another kind
    """

    def __init__(self, value: Any, lang: Language = "en"):
        if lang not in ("en", "zh"):
            raise InputError(Problem(f"there is no language `{lang}`.", hint="Known: en, zh."))
        self.page = html(value, lang)

    def _repr_html_(self) -> str:
        return self.page


def html(value: Any, lang: Language = "en") -> str:
    """What a notebook shows of a value.

    Raises
    ------
    InputError : a value of another kind
    """
    made = next((make for kind, make in _PAGES.items() if isinstance(value, kind)), None)
    if made is None:
        known = ", ".join(kind.__name__ for kind in _PAGES)
        raise InputError(Problem(f"nothing shows a {type(value).__name__}.", hint=f"Known: {known}."))
    return f'<div lang="{lang}">{"".join(made(value, lang))}</div>'


def _scenario(value: Scenario, lang: Language) -> list[str]:
    named = {"name": value.name, "year": value.year}
    variant = value.variant_names.get(value.variant, {}).get(lang, value.variant)
    parts = [_head(heading(named, lang) + (f" · {variant}" if variant else ""))]
    parts.append(_line(value.description.get(lang, "")))
    rows = [[name, str(len(table))] for name, table in value.tables.items() if len(table)]
    parts.append(_table(Grid("", [say("table", lang), say("rows", lang)], rows, (1,))))
    if value.variant_names:
        names = [[id, label[lang]] for id, label in value.variant_names.items()]
        parts.append(_table(Grid(say("variants", lang), ["id", say("name", lang)], names)))
    if value.differences:
        rows = [[one.path, str(one.old), str(one.new)] for one in value.differences]
        columns = [say(word, lang) for word in ("where", "was", "is")]
        parts.append(_table(Grid(say("differences", lang), columns, rows)))
    return parts


def _system(value: System, lang: Language) -> list[str]:
    rows, unknowns = value.size
    kinds, counts = np.unique(value.rows.kind.astype(str), return_counts=True)
    table = [[ROW_KINDS[kind][lang == "zh"], str(count)] for kind, count in zip(kinds, counts, strict=True)]
    limits = len(value.upper_rhs) + int(np.isfinite(value.upper).sum())
    table.append([say("limits", lang), str(limits)])
    said = f"{say('unknowns', lang)}: {unknowns} · {say('equations', lang)}: {rows} · system.text()"
    columns = [say("relation", lang), say("rows", lang)]
    return [_head(heading(value.about, lang)), _line(said), _table(Grid("", columns, table, (1,)))]


def _result(value: Result, lang: Language) -> list[str]:
    tables = [_table(grid) for grid in run_grids(value, lang, every=True)]
    foot = _line(residual_text(value, lang))
    return [_head(variant_heading(value, lang)), _flows(value, lang), *tables, foot]


def _comparison(value: Comparison, lang: Language) -> list[str]:
    tables = [_table(grid) for grid in comparison_grids(value, lang)]
    notes = [_line(note) for note in comparison_notes(value, lang)]
    return [*tables, _picture(lambda: bars(value, lang)), *notes]


def _reconciliation(value: Reconciliation, lang: Language) -> list[str]:
    head = [_head(variant_heading(value.result, lang)), _line(verdict(value, lang))]
    tables = [_table(grid) for grid in reconcile_grids(value, lang)]
    return [*head, _flows(value.result, lang), *tables, *(_line(note) for note in value.notes)]


def _simulation(value: Simulation, lang: Language) -> list[str]:
    picture = _picture(lambda: years([value], lang=lang)) if value.books else ""
    tables = [_table(grid) for grid in simulation_grids(value, lang)]
    head = _head(variant_heading(value.results[0], lang))
    return [head, picture, *tables, *(_line(note) for note in value.notes())]


_PAGES: dict[type, Callable[..., list[str]]] = {
    Scenario: _scenario,
    System: _system,
    Result: _result,
    Comparison: _comparison,
    Reconciliation: _reconciliation,
    Simulation: _simulation,
}


def _head(text: str) -> str:
    return f"<h4>{safe(text)}</h4>"


def _line(text: str) -> str:
    return f"<p>{safe(text)}</p>" if text else ""


def _table(grid: Grid) -> str:
    """The first rows of a table, and how many more there are."""
    aligned = ["right" if at in grid.right else "left" for at in range(len(grid.columns))]

    def line(cells: Sequence[str], tag: str) -> str:
        styles = [
            _CELL.format(side, "nowrap" if len(cell) <= SHORT else "normal")
            for cell, side in zip(cells, aligned, strict=True)
        ]
        made = (
            f'<{tag} style="{style}">{safe(cell)}</{tag}>' for cell, style in zip(cells, styles, strict=True)
        )
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(line(row, "td") for row in grid.rows[:MOST_ROWS])
    more = len(grid.rows) - MOST_ROWS
    title = f"<p><b>{safe(grid.title)}</b></p>" if grid.title else ""
    rest = f"<p>+ {more}</p>" if more > 0 else ""
    return f"{title}<table><thead>{line(grid.columns, 'th')}</thead><tbody>{body}</tbody></table>{rest}"


def _flows(result: Result, lang: Language) -> str:
    """A small Sankey picture, no wider than the page."""
    picture = sankey(result, lang=lang, top=MOST_NODES)
    return picture.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)


def _picture(made: Callable[[], Chart]) -> str:
    """A chart as an image, or the sentence that says why there is none."""
    try:
        data = base64.b64encode(svg(made()).encode("utf-8")).decode("ascii")
    except InputError as error:
        return _line(str(error))
    return f'<img alt="" style="max-width:100%" src="data:image/svg+xml;base64,{data}"/>'
