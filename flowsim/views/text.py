"""Results as tables in a terminal, in Markdown and as CSV, in English or Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.schema import GOOD_CLASSES
from flowsim.words import say

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.compare import Comparison, Part, Verdict
    from flowsim.result import Result
    from flowsim.system import System
    from flowsim.trace import Trace

MOST_PARTS = 3
"""Flows that are named for one change; the others are added up."""
MOST_FLOWS = 40
"""Flows that `run` shows at least; all that are drawn are shown."""
SHORT = 16
"""Cells up to this width, and numbers, are never folded; the longer texts beside them are."""
LEFT_OUT = "left out: "
"""What the part of a traced flow begins with where a rule leaves it out."""
MOST_RECIPES = 6
"""Recipes that are named beside a good."""


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
    return f"{round(value, digits - 1 - size):,.{max(0, digits - 1 - size)}f}"


def unit_text(unit: str, lang: str) -> str:
    """A unit as readers of the language write it."""
    return unit.replace("CNY", "元") if lang == "zh" else unit.replace("万元", "10,000 CNY")


def handy(values: Sequence[float], unit: str, lang: str) -> tuple[float, str]:
    """A scale that makes amounts easy to read, and the unit text that goes with it.

    Thousands and millions in English, 万 and 亿 in Chinese; ratios and prices keep their unit.
    """
    base, _, per = unit.partition("/")
    if base not in ("t", "m3", "GJ", "CNY", "tce") or per not in ("", "a"):
        return 1.0, unit_text(unit, lang)
    size = max((abs(value) for value in values if np.isfinite(value)), default=0.0)
    steps = ((1e8, "亿"), (1e4, "万")) if lang == "zh" else ((1e9, "G"), (1e6, "M"), (1e3, "k"))
    for factor, word in steps:
        if size >= factor:
            return factor, _scaled_unit(word, unit, lang)
    return 1.0, unit_text(unit, lang)


def _scaled_unit(word: str, unit: str, lang: str) -> str:
    if lang == "zh":
        return word + unit_text(unit, lang)
    if unit.startswith("t/") and word in ("k", "M"):
        return word + unit
    return {"k": "1000 ", "M": "million ", "G": "billion "}[word] + unit


def amount(value: float, unit: str, lang: str) -> list[str]:
    """One amount of a list and its unit: plain in English, in 万 from 10,000 in Chinese."""
    if lang == "zh" and np.isfinite(value) and abs(value) >= 1e4:
        return [number(value / 1e4), "万" + unit_text(unit, lang)]
    return [number(value), unit_text(unit, lang)]


def percent(share: float) -> str:
    """A share in percent, ``–`` where it is missing."""
    return f"{100 * share:.1f} %" if np.isfinite(share) else "–"


def rounding(difference: float) -> str:
    """What is left of a balance: its order of magnitude."""
    return "–" if np.isnan(difference) else "0" if difference == 0 else f"{difference:.1e}"


def print_grids(grids: Sequence[Grid], form: str = "table", width: int | None = None) -> str:
    """The tables as one text: ``table`` for a terminal, or ``markdown``."""
    return "\n".join(_markdown(grid) for grid in grids) if form == "markdown" else _terminal(grids, width)


def _terminal(grids: Sequence[Grid], width: int | None) -> str:
    import io
    import textwrap

    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    buffer = io.StringIO()
    console = Console(file=buffer, width=width, highlight=False, color_system=None, legacy_windows=False)
    for grid in grids:
        table = Table(
            title=Text(grid.title), box=SIMPLE_HEAD, title_justify="left", title_style="", pad_edge=False
        )
        for at, column in enumerate(grid.columns):
            widest = max((cell_len(row[at]) for row in grid.rows), default=0)
            whole = at in grid.right or widest <= SHORT
            title = (
                "\n".join(textwrap.wrap(column, max(widest, 1), break_long_words=False)) if whole else column
            )
            justify: Any = "right" if at in grid.right else "left"
            table.add_column(Text(title), justify=justify, overflow="fold", no_wrap=whole)
        for row in grid.rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    return "".join(line.rstrip() + "\n" for line in buffer.getvalue().splitlines())


def _markdown(grid: Grid) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    rule = ["---:" if at in grid.right else "---" for at in range(len(grid.columns))]
    return "\n".join([f"### {grid.title}", "", line(grid.columns), line(rule), *map(line, grid.rows), ""])


def comparison_csv(comparison: Comparison, lang: str) -> str:
    """One row for each indicator and variant, with plain numbers, for other programs.

    Columns: id, en, zh, unit, variant, value, change (against the first variant), reason (why no value).
    """
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["id", "en", "zh", "unit", "variant", "value", "change", "reason"])
    for at, first in enumerate(comparison.values[0]):
        item = first.indicator
        for position, (name, values) in enumerate(zip(comparison.names, comparison.values, strict=True)):
            one = values[at]
            change = one.value - first.value if position else float("nan")
            reason = one.reason_zh if lang == "zh" else one.reason
            texts = [safe_cell(text) for text in (item.id, item.en, item.zh, item.unit, name)]
            writer.writerow([*texts, _plain(one.value), _plain(change), safe_cell(reason)])
    return buffer.getvalue()


def _plain(value: float) -> str:
    return repr(float(value)) if np.isfinite(value) else ""


def safe_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return "'" + text if text[:1] in ("=", "@", "+", "-", "\t", "\r") else text


def comparison_grids(comparison: Comparison, lang: str) -> list[Grid]:
    """Indicators by variant, targets by variant, and what explains each change."""
    return [
        _indicator_grid(comparison, lang),
        *(
            [_target_grid(comparison, lang)]
            if any(one.passed is not None for one in comparison.verdicts)
            else []
        ),
        *([_reason_grid(comparison, lang)] if len(comparison.results) > 1 else []),
    ]


def heading(about: Mapping[str, Any], lang: str) -> str:
    """Name and year of a scenario."""
    name = str(about["name"][lang])
    return f"{name}{'，' if lang == 'zh' else ', '}{about['year']}" if about["year"] else name


def variant_heading(result: Result, lang: str) -> str:
    """Name and year of a scenario, and the variant that was applied."""
    about = result.system.about
    return heading(about, lang) + (f" · {about['variant_name'][lang]}" if about["variant"] else "")


def _indicator_grid(comparison: Comparison, lang: str) -> Grid:
    rows = []
    for at, first in enumerate(comparison.values[0]):
        values = [mine[at].value for mine in comparison.values]
        factor, unit = handy(values, first.indicator.unit, lang)
        cells = [first.indicator.zh if lang == "zh" else first.indicator.en, unit]
        for position, value in enumerate(values):
            shown = number(value / factor)
            if position and np.isfinite(value - first.value):
                change = 0.0 if _same(value, first.value) else value - first.value
                shown += f" ({change_text(change / factor)})"
            cells.append(shown)
        rows.append(cells)
    system = comparison.results[0].system
    where = boundary_text(system, comparison.boundary, lang)
    title = f"{heading(system.about, lang)} · {say('boundary', lang)}: {where}"
    if len(comparison.results) > 1:
        title += f" · {say('change against', lang)}: {comparison.labels[0][lang]}"
    labels = [label[lang] for label in comparison.labels]
    count = len(labels)
    return Grid(title, [say("indicator", lang), say("unit", lang), *labels], rows, tuple(range(2, 2 + count)))


def boundary_text(system: System, boundary: str, lang: str) -> str:
    """A boundary in words: the park, the city, or a group or process by its name."""
    return say(boundary, lang) if boundary in ("park", "city") else system.boundary_name(boundary, lang)


def _same(value: float, other: float) -> bool:
    """Whether two values differ by no more than rounding."""
    return abs(value - other) <= 1e-9 * max(abs(value), abs(other))


def change_text(change: float) -> str:
    """A change with its sign; ``=`` where there is none."""
    return "=" if change == 0 else ("+" if change > 0 else "−") + number(abs(change), 3)


def _target_grid(comparison: Comparison, lang: str) -> Grid:
    """Targets that some variant can be judged by; why the others cannot stands in the notes."""
    by_target: dict[str, list[Verdict]] = {}
    for verdict in comparison.verdicts:
        by_target.setdefault(verdict.target["id"], []).append(verdict)
    apart = any(verdict.boundary != comparison.boundary for verdict in comparison.verdicts)
    system = comparison.results[0].system
    rows = []
    for name, verdicts in by_target.items():
        if all(one.passed is None for one in verdicts):
            continue
        target = verdicts[0].target
        value, unit = f"{abs(target['value']):,g}", unit_text(target["unit"], lang)
        sign = "−" if target["value"] < 0 else "+" if target["sense"] == "change" else ""
        sense = {">=": "≥", "<=": "≤", "change": say("change", lang)}[target["sense"]]
        rows.append(
            [
                name,
                target[lang],
                f"{sense} {sign}{value} {unit}",
                *([boundary_text(system, verdicts[0].boundary, lang)] if apart else []),
                *(_verdict_text(one, lang) for one in verdicts),
            ]
        )
    title = f"{say('targets', lang)}: {comparison.target_set}"
    labels = [label[lang] for label in comparison.labels]
    columns = ["id", say("target", lang), say("wanted", lang), *([say("boundary", lang)] if apart else [])]
    return Grid(title, [*columns, *labels], rows, tuple(range(len(columns), len(columns) + len(labels))))


def _verdict_text(verdict: Verdict, lang: str) -> str:
    if verdict.passed is None:
        return "–"
    is_change = verdict.target["sense"] == "change"
    value = change_text(verdict.value) if is_change else number(verdict.value)
    return f"{say('pass' if verdict.passed else 'fail', lang)} ({value})"


def _reason_grid(comparison: Comparison, lang: str) -> Grid:
    rows: list[list[str]] = []
    for at, first in enumerate(comparison.values[0]):
        name = first.indicator.zh if lang == "zh" else first.indicator.en
        factor, unit = handy([values[at].value for values in comparison.values], first.indicator.unit, lang)
        unit = say("points", lang) if unit == "%" else unit
        for position in range(1, len(comparison.results)):
            value, parts = comparison.values[position][at].value, comparison.parts[position][at]
            if not np.isfinite(value - first.value) or _same(value, first.value) or not parts:
                continue
            shown = f"{change_text((value - first.value) / factor)} {unit}"
            rows.append([name, comparison.labels[position][lang], shown, reason_text(parts, lang, factor)])
            name = ""
    columns = [say("indicator", lang), say("variant", lang), say("change", lang), say("because", lang)]
    return Grid(say("explained by", lang), columns, rows, (2,))


def reason_text(parts: Sequence[Part], lang: str, factor: float = 1.0, most: int = MOST_PARTS) -> str:
    """``+11.2 slag to kiln; +2.1 ash to bricks; +0.7 the rest``"""
    names = [part_name(part, parts[:most], lang) for part in parts[:most]]
    shown = [
        f"{change_text(part.contribution / factor)} {name}"
        for part, name in zip(parts[:most], names, strict=True)
    ]
    rest = sum(part.contribution for part in parts[most:]) / factor
    if len(parts) > most:
        shown.append(f"{change_text(rest)} {say('the rest', lang)}")
    return ("；" if lang == "zh" else "; ").join(shown)


def part_name(part: Part, beside: Sequence[Part], lang: str) -> str:
    """The good of a flow where that is enough to tell it from those beside it, else with its ends."""
    zh = lang == "zh"
    if part.good is None or sum(part.good in (other.good, (other.en, other.zh)) for other in beside) > 1:
        return part.zh if zh else part.en
    return part.good[zh]


def comparison_notes(comparison: Comparison, lang: str) -> list[str]:
    """What else a reader must know: missing values with their reason, targets without flows, residuals."""
    notes: dict[str, list[str]] = {}
    for label, values in zip(comparison.labels, comparison.values, strict=True):
        for value in values:
            if value.reason:
                item, reason = (
                    (value.indicator.zh, value.reason_zh)
                    if lang == "zh"
                    else (value.indicator.en, value.reason)
                )
                notes.setdefault(f"{say('missing', lang)}: {item}: {reason}", []).append(label[lang])
    lines = [f"{note} ({', '.join(labels)})" for note, labels in notes.items()]
    lines += _unjudged(comparison, lang)
    lines += _conflicts(comparison, lang)
    if comparison.beyond:
        beyond = ", ".join(target["id"] for target in comparison.beyond)
        lines.append(f"{say('targets that flows do not define', lang)} ({len(comparison.beyond)}): {beyond}")
    worst = max(comparison.results, key=lambda result: result.largest_residual[0])
    return [*lines, residual_text(worst, lang)]


def _unjudged(comparison: Comparison, lang: str) -> list[str]:
    """Why targets cannot be judged, and in which variants where others can be."""
    label = dict(zip(comparison.names, (one[lang] for one in comparison.labels), strict=True))
    ids: dict[str, list[str]] = {}
    where: dict[str, list[str]] = {}
    for verdict in comparison.verdicts:
        if verdict.passed is None:
            reason = verdict.reason_zh if lang == "zh" else verdict.reason
            ids.setdefault(reason, []).append(verdict.target["id"])
            where.setdefault(reason, []).append(label[verdict.variant])
    lines = []
    for reason, targets in ids.items():
        variants = list(dict.fromkeys(where[reason]))
        only = f" ({', '.join(variants)})" if len(variants) < len(label) else ""
        lines.append(f"{say('target', lang)} {', '.join(dict.fromkeys(targets))}: {reason}{only}")
    return lines


def _conflicts(comparison: Comparison, lang: str) -> list[str]:
    """Targets that want different values of one indicator: all are judged, none is dropped."""
    wanted: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for verdict in comparison.verdicts:
        target = verdict.target
        unit = unit_text(target["unit"], lang)
        same = wanted.setdefault((verdict.indicator, target["sense"], verdict.boundary), {})
        ids = same.setdefault(f"{target['value']:g} {unit}".replace("-", "−"), [])
        ids += [target["id"]] if target["id"] not in ids else []
    what = say("targets that want different values of one indicator", lang)
    open_, close, colon, semicolon, comma = "（）：；、" if lang == "zh" else (" (", ")", ": ", "; ", ", ")
    return [
        f"{what}{open_}{name}{close}{colon}"
        + semicolon.join(f"{comma.join(ids)}{colon}{value}" for value, ids in values.items())
        for (name, _, _), values in wanted.items()
        if len(values) > 1
    ]


def residual_text(result: Result, lang: str) -> str:
    """The largest residual, as every solve must say it."""
    share, _ = result.largest_residual
    return f"{say('largest residual', lang)} {share:.1e} {say('of the largest term of its row', lang)}"


def run_grids(result: Result, lang: str, every: bool = False) -> list[Grid]:
    """Processes against capacity, flows, and the sums of mass, water and energy."""
    grids = [_process_grid(result, lang), _flow_grid(result, lang, every), _sum_grid(result, lang)]
    return [grid for grid in grids if grid.rows]


def _process_grid(result: Result, lang: str) -> Grid:
    rows = []
    for row in result.processes.to_dict("records"):
        largest = np.nanmax([row["activity"], row["capacity"], 0.0])
        factor = 1e4 if lang == "zh" and largest >= 1e4 else 1.0
        _, unit = amount(largest, row["unit"], lang)
        cells = [number(row[key] / factor) for key in ("activity", "capacity")]
        rows.append([row["id"], row[lang], *cells, unit, percent(row["load"])])
    columns = ["id", *(say(word, lang) for word in ("process", "activity", "capacity", "unit", "load"))]
    return Grid(say("processes", lang), columns, rows, (2, 3, 5))


def _flow_grid(result: Result, lang: str, every: bool) -> Grid:
    system, amounts, how = result.system, result.amounts, result.how()
    flows = system.flows
    drawn = flows["how"].isin(["drawn", "link"]).to_numpy()
    mass = np.nan_to_num(amounts * system.flow_mass("mass")) + np.nan_to_num(
        amounts * system.flow_mass("energy")
    )
    order = np.lexsort((np.arange(len(flows)), -mass, ~drawn))
    shown = order if every else order[: max(MOST_FLOWS, int(drawn.sum()))]
    units = system.goods["unit"].to_numpy()
    rows = []
    for at in shown:
        row = flows.iloc[int(at)]
        value, unit = amount(amounts[at], f"{units[int(row['good_at'])]}/a", lang)
        ends = [str(system.processes[lang].iloc[int(row[end])]) for end in ("from_at", "to_at")]
        good = str(system.goods[lang].iloc[int(row["good_at"])])
        if np.isnan(amounts[at]):
            value = f"[{number(result.low[at])}, {number(result.high[at])}]"
        rows.append([good, *ends, value, unit, say(str(how[at]), lang)])
    left = len(flows) - len(shown)
    title = say("flows", lang) + (f" (+ {left} {say('more flows, see --all', lang)})" if left else "")
    columns = [say(word, lang) for word in ("good", "from", "to", "amount", "unit", "how")]
    return Grid(title, columns, rows, (3,))


def _sum_grid(result: Result, lang: str) -> Grid:
    rows = []
    units = {"mass": "t/a", "water": "m3/a", "energy": "GJ/a"}
    remainder = {"mass": "must be zero", "water": "bound or released", "energy": "dissipated or bound"}
    outside = result.system.processes["outside"].to_numpy()
    flows = result.system.flows
    for layer, unit in units.items():
        value = result.layer(layer)
        enters = float(value[outside[flows["from_at"]]].sum())
        leaves = float(value[outside[flows["to_at"]]].sum())
        stock = float(result.closure(layer)["stock_change"].sum())
        factor, unit = handy([enters, leaves, stock], unit, lang)
        left = enters - leaves - stock
        if layer != "mass" and enters == leaves == stock == 0:
            continue
        cells = [number(term / factor) for term in (enters, leaves, stock)]
        shown = rounding(left) if layer == "mass" else number(left / factor)
        rows.append([say(layer, lang), *cells, shown, unit, say(remainder[layer], lang)])
    columns = [
        say(word, lang) for word in ("layer", "in", "out", "stock change", "difference", "unit", "note")
    ]
    return Grid(say("what crosses the boundary of the park", lang), columns, rows, (1, 2, 3, 4))


def closure_grid(result: Result, lang: str) -> Grid:
    """Mass in and out of every process, with what is left over."""
    rows = []
    for row in result.closure("mass").to_dict("records"):
        if row["in"] or row["out"]:
            cells = [number(row[key]) for key in ("in", "out", "stock_change")]
            rows.append([row["process"], row[lang], *cells, rounding(row["difference"])])
    columns = ["id", *(say(word, lang) for word in ("process", "in", "out", "stock change", "difference"))]
    return Grid(f"{say('mass balance of every process', lang)}, t/a", columns, rows, (2, 3, 4, 5))


def trace_grids(trace: Trace, lang: str) -> list[Grid]:
    """The flows behind an indicator, or the drivers and relations behind a flow."""
    factor, unit = handy([trace.amount], trace.unit, lang)
    title = f"{trace.zh if lang == 'zh' else trace.en} = {number(trace.amount / factor)} {unit}"
    if trace.kind == "indicator":
        left_out = trace.flows["part"].str.startswith(LEFT_OUT)
        rules = trace.flows[left_out].groupby("part", sort=False)
        return [
            _term_grid(trace, title, lang),
            *(_left_out_grid(str(part), flows, lang) for part, flows in rules),
        ]
    text = "text_zh" if lang == "zh" else "text"
    rows = [
        [row[text], number(row["value"]), number(row["contribution"]), _place(row), row["source"]]
        for row in trace.drivers.to_dict("records")
    ]
    columns = [say(word, lang) for word in ("drivers", "value", "contribution", "where", "source")]
    grids = [Grid(title, columns, rows, (1, 2))]
    if not trace.rows.empty:
        rows = [[row[text], _place(row), row["source"]] for row in trace.rows.to_dict("records")]
        columns = [say(word, lang) for word in ("relation", "where", "source")]
        grids.append(Grid(say("relations on the way", lang), columns, rows))
    return grids


def _term_grid(trace: Trace, title: str, lang: str) -> Grid:
    """The flows above and below the fraction line, each side in one scale."""
    rows = []
    terms = trace.value.terms if trace.value is not None else None
    sides = {"numerator": terms.numerator_unit, "denominator": terms.denominator_unit} if terms else {}
    for part, plain in sides.items():
        flows = trace.flows[trace.flows["part"] == part]
        factor, unit = handy(list(flows["contribution"]), plain, lang)
        name = say(part, lang)
        for row in flows.to_dict("records"):
            moved = amount(row["amount"], row["unit"], lang)
            shown = [number(row["contribution"] / factor), unit, percent(row["share"])]
            rows.append([name, row[lang], *moved, *shown, _place(row)])
            name = ""
    words = ("part", "flow", "amount", "unit", "contribution", "unit", "share", "where")
    return Grid(title, [say(word, lang) for word in words], rows, (2, 4, 6))


def _left_out_grid(part: str, flows: pd.DataFrame, lang: str) -> Grid:
    """Flows that a rule of the indicator leaves out, so that a reader sees what is not counted."""
    from flowsim.indicators.chinese import RULES

    rows = [
        [row[lang], *amount(row["amount"], row["unit"], lang), _place(row)]
        for row in flows.to_dict("records")
    ]
    columns = [say(word, lang) for word in ("flow", "amount", "unit", "where")]
    rule = part.removeprefix(LEFT_OUT)
    shown = RULES[rule] if lang == "zh" else rule
    return Grid(f"{say('left out', lang)}: {shown}", columns, rows, (1,))


def library_grids(
    recipes: Sequence[dict[str, Any]], goods: Sequence[dict[str, Any]], lang: str
) -> list[Grid]:
    """Recipes with what they take and give, and goods with the recipes that know them."""
    columns = ["id", *(say(word, lang) for word in ("name", "in", "out"))]
    rows = [
        [recipe["id"], recipe[lang], ", ".join(recipe["in"]), ", ".join(recipe["out"])] for recipe in recipes
    ]
    grids = [Grid(f"{say('recipes', lang)} ({len(rows)})", columns, rows)]
    columns = ["id", *(say(word, lang) for word in ("name", "class", "unit", "used in"))]
    rows = []
    for good in goods:
        used, more = good["recipes"][:MOST_RECIPES], len(good["recipes"]) - MOST_RECIPES
        listed = ", ".join(used) + (f" (+ {more})" if more > 0 else "")
        kind = GOOD_CLASSES[good["class"]][lang == "zh"]
        rows.append([good["id"], good[lang], kind, good["unit"], listed])
    grids.append(Grid(f"{say('goods', lang)} ({len(rows)})", columns, rows))
    return [grid for grid in grids if grid.rows]


def _place(row: dict[str, Any]) -> str:
    return f"{row['file']}:{row['line']}" if row["file"] else ""
