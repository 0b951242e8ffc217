"""Results as tables in a terminal, in Markdown and as CSV, in English or Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.compare import Comparison, Part
    from flowsim.result import Result
    from flowsim.trace import Trace

MOST_PARTS = 3
"""Flows that are named for one change; the others are added up."""
MOST_FLOWS = 40


@dataclass(frozen=True)
class Grid:
    """A titled table of texts; numbers are already formatted, ``right`` names the columns to align right."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    right: tuple[int, ...] = ()


def number(value: float, digits: int = 4) -> str:
    """A number for people: significant digits, thousands separated, ``–`` where it is missing."""
    if value is None or not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = int(np.floor(np.log10(abs(value))))
    if size >= 12 or size < -6:
        return f"{value:.{digits - 1}e}"
    text = f"{round(value, digits - 1 - size):,.{max(0, digits - 1 - size)}f}"
    return text


def handy(values: Sequence[float], unit: str, lang: str) -> tuple[float, str]:
    """A scale that makes amounts easy to read, and the unit text that goes with it.

    Thousands and millions in English, 万 and 亿 in Chinese; ratios and prices keep their unit.
    """
    base, _, per = unit.partition("/")
    if base not in ("t", "m3", "GJ", "CNY", "tce") or per not in ("", "a"):
        return 1.0, unit
    size = max((abs(value) for value in values if np.isfinite(value)), default=0.0)
    steps = ((1e8, "亿"), (1e4, "万")) if lang == "zh" else ((1e9, "G"), (1e6, "M"), (1e3, "k"))
    for factor, word in steps:
        if size >= factor:
            return factor, _scaled_unit(word, unit, lang)
    return 1.0, unit


def _scaled_unit(word: str, unit: str, lang: str) -> str:
    if lang == "zh":
        return word + unit.replace("CNY", "元")
    if unit.startswith("t/") and word in ("k", "M"):
        return word + unit
    return {"k": "1000 ", "M": "million ", "G": "billion "}[word] + unit


def print_grids(grids: Sequence[Grid], form: str = "table", width: int | None = None) -> str:
    """The tables as one text: ``table`` for a terminal, ``markdown`` or ``csv``."""
    if form == "markdown":
        return "\n".join(_markdown(grid) for grid in grids)
    if form == "csv":
        return "\n".join(_csv(grid) for grid in grids)
    return _terminal(grids, width)


def _terminal(grids: Sequence[Grid], width: int | None) -> str:
    import io

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    buffer = io.StringIO()
    console = Console(file=buffer, width=width, highlight=False, color_system=None, legacy_windows=False)
    for grid in grids:
        table = Table(title=Text(grid.title), box=SIMPLE_HEAD, title_justify="left", title_style="", pad_edge=False)
        for at, column in enumerate(grid.columns):
            table.add_column(Text(column), justify="right" if at in grid.right else "left", overflow="fold")
        for row in grid.rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _markdown(grid: Grid) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    rule = ["---:" if at in grid.right else "---" for at in range(len(grid.columns))]
    return "\n".join([f"### {grid.title}", "", line(grid.columns), line(rule), *map(line, grid.rows), ""])


def _csv(grid: Grid) -> str:
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(grid.columns)
    writer.writerows([plain(cell) for cell in row] for row in grid.rows)
    return buffer.getvalue()


def plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    risky = cell[:1] in ("=", "@", "\t", "\r") or (cell[:1] in ("+", "-") and not _is_number(cell))
    return "'" + cell if risky else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "").rstrip("%"))
    except ValueError:
        return False
    return True


def comparison_grids(comparison: Comparison, lang: str) -> list[Grid]:
    """Indicators by variant, targets by variant, and what explains each change."""
    return [
        _indicator_grid(comparison, lang),
        *([_target_grid(comparison, lang)] if comparison.verdicts else []),
        *([_reason_grid(comparison, lang)] if len(comparison.results) > 1 else []),
    ]


def _indicator_grid(comparison: Comparison, lang: str) -> Grid:
    rows = []
    for at, first in enumerate(comparison.values[0]):
        values = [mine[at].value for mine in comparison.values]
        factor, unit = handy(values, first.indicator.unit, lang)
        cells = [first.indicator.zh if lang == "zh" else first.indicator.en, unit]
        for position, one in enumerate(values):
            value, change = one / factor, (one - first.value) / factor
            shown = number(value)
            if position and np.isfinite(change):
                shown += f" ({change_text(change)})"
            cells.append(shown)
        rows.append(cells)
    about = comparison.results[0].system.about
    where = say("park", lang) if comparison.boundary == "park" else comparison.boundary
    title = f"{about['name'][lang]}, {about['year']} · {say('boundary', lang)}: {where}"
    if len(comparison.results) > 1:
        title += f" · {say('change against', lang)}: {comparison.labels[0][lang]}"
    labels = [label[lang] for label in comparison.labels]
    count = len(labels)
    return Grid(title, [say("indicator", lang), say("unit", lang), *labels], rows, tuple(range(2, 2 + count)))


def change_text(change: float) -> str:
    """A change with its sign; ``=`` where there is none."""
    return "=" if abs(change) < 1e-12 else ("+" if change > 0 else "−") + number(abs(change), 3)


def _target_grid(comparison: Comparison, lang: str) -> Grid:
    by_target: dict[str, list[Any]] = {}
    for verdict in comparison.verdicts:
        by_target.setdefault(verdict.target["id"], []).append(verdict)
    rows = []
    for verdicts in by_target.values():
        target = verdicts[0].target
        sense = {">=": "≥", "<=": "≤", "change": ""}[target["sense"]]
        wanted = f"{sense} {number(target['value'])} {target['unit']}".strip()
        cells = [target["id"], target[lang], wanted]
        for verdict in verdicts:
            if verdict.passed is None:
                cells.append("–")
            else:
                cells.append(f"{say('pass' if verdict.passed else 'fail', lang)} ({number(verdict.value)})")
        rows.append(cells)
    title = f"{say('targets', lang)}: {comparison.target_set}"
    labels = [label[lang] for label in comparison.labels]
    return Grid(title, ["", say("target", lang), "", *labels], rows, tuple(range(3, 3 + len(labels))))


def _reason_grid(comparison: Comparison, lang: str) -> Grid:
    rows = []
    for at, first in enumerate(comparison.values[0]):
        name = first.indicator.zh if lang == "zh" else first.indicator.en
        for position in range(1, len(comparison.results)):
            change = comparison.values[position][at].value - first.value
            parts = comparison.parts[position][at]
            if not np.isfinite(change) or abs(change) < 1e-12 or not parts:
                continue
            label = comparison.labels[position][lang]
            size = [values[at].value for values in comparison.values]
            factor, unit = handy(size, first.indicator.unit, lang)
            shown = f"{change_text(change / factor)} {say('points', lang) if unit == '%' else unit}"
            rows.append([name, label, shown, reason_text(parts, lang, factor)])
    columns = [say("indicator", lang), say("variant", lang), "Δ", say("because", lang)]
    return Grid(say("explained by", lang), columns, rows, (2,))


def reason_text(parts: Sequence[Part], lang: str, factor: float = 1.0, most: int = MOST_PARTS) -> str:
    """``+11.2 slag to kiln; +2.1 ash to bricks; +0.7 the rest``"""
    shown = [
        f"{change_text(part.contribution / factor)} {part.zh if lang == 'zh' else part.en}" for part in parts[:most]
    ]
    rest = sum(part.contribution for part in parts[most:]) / factor
    if len(parts) > most:
        shown.append(f"{change_text(rest)} {say('the rest', lang)}")
    return "; ".join(shown)


def comparison_notes(comparison: Comparison, lang: str) -> list[str]:
    """What else a reader must know: missing values with their reason, targets without flows, residuals."""
    notes = []
    for name, values in zip(comparison.names, comparison.values, strict=True):
        for value in values:
            if value.reason:
                label = value.indicator.zh if lang == "zh" else value.indicator.en
                reason = value.reason_zh if lang == "zh" else value.reason
                notes.append(f"{say('missing', lang)}: {label} ({name}): {reason}")
    by_reason: dict[str, list[str]] = {}
    for verdict in comparison.verdicts:
        if verdict.reason and verdict.target["id"] not in by_reason.get(verdict.reason, []):
            by_reason.setdefault(verdict.reason, []).append(verdict.target["id"])
    for reason, ids in by_reason.items():
        notes.append(f"{say('target', lang)} {', '.join(ids)}: {reason}")
    if comparison.beyond:
        ids = ", ".join(target["id"] for target in comparison.beyond)
        notes.append(f"{say('targets that flows do not define', lang)}: {ids}")
    for name, result in zip(comparison.names, comparison.results, strict=True):
        notes.append(f"{name}: {residual_text(result, lang)}")
    return notes


def residual_text(result: Result, lang: str) -> str:
    """The largest residual, as every solve must say it."""
    share, _ = result.largest_residual
    return f"{say('largest residual', lang)} {share:.1e} {say('of the largest term of its row', lang)}"


def run_grids(result: Result, lang: str, every: bool = False) -> list[Grid]:
    """Processes against capacity, flows, and the sums of mass, water and energy."""
    return [_process_grid(result, lang), _flow_grid(result, lang, every), _sum_grid(result, lang)]


def _process_grid(result: Result, lang: str) -> Grid:
    rows = []
    for row in result.processes.to_dict("records"):
        load = f"{100 * row['load']:.1f} %" if np.isfinite(row["load"]) else "–"
        rows.append([row["id"], row[lang], number(row["activity"]), number(row["capacity"]), row["unit"], load])
    columns = ["id", *(say(word, lang) for word in ("process", "activity", "capacity", "unit", "load"))]
    return Grid(say("processes", lang), columns, rows, (2, 3, 5))


def _flow_grid(result: Result, lang: str, every: bool) -> Grid:
    system, amounts, how = result.system, result.amounts, result.how()
    flows = system.flows
    drawn = flows["how"].isin(["drawn", "link"]).to_numpy()
    mass = np.nan_to_num(amounts * system.flow_mass("mass")) + np.nan_to_num(amounts * system.flow_mass("energy"))
    order = np.lexsort((np.arange(len(flows)), -mass, ~drawn))
    shown = order if every else order[: max(MOST_FLOWS, int(drawn.sum()))]
    units = system.goods["unit"].to_numpy()
    rows = []
    for at in shown:
        row = flows.iloc[int(at)]
        unit = f"{units[int(row['good_at'])]}/a"
        ends = [str(system.processes[lang].iloc[int(row[end])]) for end in ("from_at", "to_at")]
        good = str(system.goods[lang].iloc[int(row["good_at"])])
        value = number(amounts[at])
        if np.isnan(amounts[at]):
            value = f"[{number(result.low[at])}, {number(result.high[at])}]"
        rows.append([good, *ends, value, unit, str(how[at])])
    left = len(flows) - len(shown)
    title = say("flows", lang) + (f" (+ {left} {say('more flows, see --all', lang)})" if left else "")
    columns = [say(word, lang) for word in ("good", "from", "to", "amount", "unit", "how")]
    return Grid(title, columns, rows, (3,))


def _sum_grid(result: Result, lang: str) -> Grid:
    rows = []
    units = {"mass": "t/a", "water": "m3/a", "energy": "GJ/a"}
    remainder = {"mass": "difference", "water": "bound or released", "energy": "dissipated or bound"}
    outside = result.system.processes["outside"].to_numpy()
    flows = result.system.flows
    for layer, unit in units.items():
        value = np.nan_to_num(result.layer(layer))
        enters = float(value[outside[flows["from_at"]]].sum())
        leaves = float(value[outside[flows["to_at"]]].sum())
        stock = float(result.closure(layer)["stock_change"].sum())
        cells = [number(enters), number(leaves), number(stock), number(enters - leaves - stock)]
        rows.append([say(layer, lang), *cells, unit, say(remainder[layer], lang)])
    columns = ["", *(say(word, lang) for word in ("in", "out", "stock change", "difference", "unit", "note"))]
    return Grid(say("closes", lang), columns, rows, (1, 2, 3, 4))


def closure_grid(result: Result, lang: str) -> Grid:
    """Mass in and out of every process, with what is left over."""
    rows = []
    for row in result.closure("mass").to_dict("records"):
        if row["in"] or row["out"]:
            cells = [number(row[key]) for key in ("in", "out", "stock_change")]
            rows.append([row["process"], row[lang], *cells, f"{row['difference']:.1e}"])
    columns = ["id", *(say(word, lang) for word in ("process", "in", "out", "stock change", "difference"))]
    return Grid(f"{say('closes', lang)}: {say('mass', lang)}, t/a", columns, rows, (2, 3, 4, 5))


def trace_grids(trace: Trace, lang: str) -> list[Grid]:
    """The flows behind an indicator, or the drivers and relations behind a flow."""
    title = f"{trace.zh if lang == 'zh' else trace.en} = {number(trace.amount)} {trace.unit}"
    grids = []
    if trace.kind == "indicator":
        rows = [
            [
                row["part"],
                row[lang],
                number(row["amount"]),
                row["unit"],
                number(row["contribution"]),
                f"{100 * row['share']:.1f} %" if np.isfinite(row["share"]) else "–",
                _place(row),
            ]
            for row in trace.flows.to_dict("records")
        ]
        columns = [say(word, lang) for word in ("part", "flow", "amount", "unit", "contribution", "share", "where")]
        grids.append(Grid(title, columns, rows, (2, 4, 5)))
        return grids
    rows = [
        [row["text"], number(row["value"]), number(row["contribution"]), _place(row), row["source"]]
        for row in trace.drivers.to_dict("records")
    ]
    columns = [say(word, lang) for word in ("drivers", "value", "contribution", "where", "source")]
    grids.append(Grid(title, columns, rows, (1, 2)))
    if trace.rows.empty:
        return grids
    rows = [[row["text"], _place(row), row["source"]] for row in trace.rows.to_dict("records")]
    grids.append(Grid(say("relations on the way", lang), ["", say("where", lang), say("source", lang)], rows))
    return grids


def _place(row: dict[str, Any]) -> str:
    return f"{row['file']}:{row['line']}" if row["file"] else ""
