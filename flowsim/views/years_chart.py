"""Stocks, flows and shares through the years as charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.system import BASE_UNITS
from flowsim.views.chart import Area, Axis, Chart, Line, Mark, Panel, Points, Texts
from flowsim.views.colours import SERIES
from flowsim.views.text import handy, number
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.studies.years import Simulation

DASHES = ("-", "--", "-.", ":")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")
PASSED = (0.1, 0.3, 0.5)
"""Shares whose first year is marked."""
WIDTHS = (1, 2, 5, 10, 20, 50, 100, 1000)
"""Years of entry that are drawn together."""
View = Literal["stocks", "cohorts", "filling"]


def years(
    simulations: Sequence[Simulation],
    names: Sequence[str] = (),
    *,
    part: Sequence[str] = (),
    whole: Sequence[str] = (),
    layer: str = "mass",
    view: View = "stocks",
    lang: str = "en",
) -> Chart:
    """Stocks, flows or a share through the years, for one or more variants of the same years.

    Parameters
    ----------
    names : flows (ids) or goods: stacked in one panel a variant; one name alone is one line a variant.
    part, whole : flows or goods; draws the share of the part in the whole instead, one line a variant, and
        marks the years in which it passes 10, 30 and 50 %
    layer : of flows and shares: mass, water, energy or a substance
    view : what to draw without names and part: ``stocks``, one panel a stock and one line a variant;
        ``cohorts``, the same stacked by when things entered; ``filling``, how full stocks with a space are

    Raises
    ------
    InputError : nothing to draw, a name that no flow has, a layer that there is not
    """
    if part or whole:
        panels = [_share_panel(simulations, part, whole, layer, lang)]
    elif names:
        panels = _flow_panels(simulations, names, layer, lang)
    else:
        draw = {"stocks": _stock_panels, "cohorts": _cohort_panels, "filling": _filling_panels}[view]
        panels = draw(simulations, lang)
    name = simulations[0].scenario.name[lang]
    span = f"{simulations[0].years[0]:g}–{simulations[0].years[-1]:g}"
    columns = min(2, len(panels))
    return Chart(f"{name} · {span}", tuple(panels), lang, columns, 3.6 if columns == 1 else 2.8)


def _share_panel(
    simulations: Sequence[Simulation], part: Sequence[str], whole: Sequence[str], layer: str, lang: str
) -> Panel:
    shares = [100 * made.ratio(part, whole, layer)["share"].to_numpy() for made in simulations]
    title = (
        f"{say('share', lang)}: {_names(simulations[0], part, lang)} / {_names(simulations[0], whole, lang)}"
    )
    panel = _variant_lines(simulations, shares, f"{title} ({_layer(layer, lang)})", "%", lang)
    lines = [mark for mark in panel.marks if isinstance(mark, Line)]
    marks: list[Mark] = []
    for made, line, share in zip(simulations, lines, shares, strict=True):
        passed = made.passes(made.ratio(part, whole, layer), PASSED).items()
        reached = [(f"{level:.0%}", year) for level, year in passed if year is not None]
        x = [year for _, year in reached]
        y = [float(share[made.years.index(year)]) for year in x]
        texts = [f"{level}: {year:g}" for level, year in reached]
        marks.append(replace(line, name=", ".join([line.name, *texts])))
        marks.append(Points("", x, y, line.colour, "o", [f"{line.name}, {text}" for text in texts]))
        if len(simulations) == 1:
            marks.append(Texts(x, y, texts, ["right"] * len(x)))
    return replace(panel, marks=tuple(marks))


def _stock_panels(simulations: Sequence[Simulation], lang: str) -> list[Panel]:
    panels = []
    for same in zip(*(_stocks(made, lang) for made in simulations), strict=True):
        _, title, unit, _ = same[0]
        levels = [level for *_, level in same]
        factor, shown = handy(np.concatenate(levels).tolist(), unit, lang)
        panels.append(_variant_lines(simulations, [each / factor for each in levels], title, shown, lang))
    return panels


def _stocks(made: Simulation, lang: str) -> list[tuple[str, str, str, np.ndarray]]:
    """Id, title, unit and level of each stock."""
    table = made.stocks[made.stocks["layer"] == ""]
    if table.empty:
        hint = "Name flows or goods to draw."
        raise InputError(Problem("the scenario has no stocks.", str(made.scenario.file), hint=hint))
    processes = made.results[0].system.processes.set_index("id")[lang]
    return [
        (
            str(stock),
            f"{processes[at]} ({stock}), {say('stock at the end of the year', lang)}",
            str(unit),
            part["level"].to_numpy(),
        )
        for (stock, at, unit), part in table.groupby(["stock", "at", "unit"], sort=False)
    ]


def _cohort_panels(simulations: Sequence[Simulation], lang: str) -> list[Panel]:
    """Each stock of each variant, stacked by the years in which things entered."""
    entered = np.concatenate([made.cohorts["entered"].to_numpy() for made in simulations])
    groups = _entry_groups(entered[np.isfinite(entered)], np.isnan(entered).any(), lang)
    panels = []
    for made in simulations:
        cohorts = made.cohorts[made.cohorts["layer"] == ""].fillna({"entered": -np.inf})
        for stock, title, unit, levels in _stocks(made, lang):
            mine = cohorts[cohorts["stock"] == stock].pivot(index="entered", columns="year", values="amount")
            mine = mine.reindex(columns=made.years).fillna(0.0)
            parts = [
                mine[(mine.index >= low) & (mine.index < high)].sum().to_numpy() for _, low, high in groups
            ]
            factor, shown = handy(levels.tolist(), unit, lang)
            of = f"{_variant(made, lang)}: " if len(simulations) > 1 else ""
            axis = Axis(shown, limits=(0.0, 1.05 * float(levels.max()) / factor or 1.0))
            areas = _stacked(made.years, np.array(parts) / factor, [name for name, *_ in groups])
            panels.append(Panel(of + title, Axis(say("year", lang), plain=True), axis, tuple(areas)))
    return panels


def _entry_groups(entered: np.ndarray, initial: bool, lang: str) -> list[tuple[str, float, float]]:
    """Years of entry that are drawn together: what they are called, the first and the one after the last."""
    made = [(say("there at first", lang), -np.inf, -1e9)] if initial else []
    if not len(entered):
        return made
    first, last = float(np.floor(entered.min())), float(np.floor(entered.max()))
    width = next(width for width in WIDTHS if (last - first) / width < len(SERIES) - 2)
    for low in np.arange(first // width * width, last + 1, width):
        ends = (max(low, first), min(low + width - 1, last))
        made.append(("–".join(f"{end:g}" for end in dict.fromkeys(ends)), low, low + width))
    return made


def _filling_panels(simulations: Sequence[Simulation], lang: str) -> list[Panel]:
    """How full each space is, in per cent."""
    tables = [made.filling for made in simulations]
    if tables[0].empty:
        hint = "Give a landfill a `space`."
        raise InputError(
            Problem("no stock of the scenario has a space.", str(simulations[0].scenario.file), hint=hint)
        )
    processes = simulations[0].results[0].system.processes.set_index("id")[lang]
    stores = {
        book.row["id"]: f"{processes[book.row['at']]} ({book.row['id']})" for book in simulations[0].books
    }
    panels = []
    for of, first in tables[0].groupby("of", sort=False):
        shares = [100 * table[table["of"] == of]["share"].to_numpy() for table in tables]
        factor, unit = handy([float(first["space"].iloc[0])], str(first["unit"].iloc[0]), lang)
        size = f"{number(float(first['space'].iloc[0]) / factor)} {unit}"
        title = f"{stores.get(of) or processes[of]}, {say('share of its space', lang)} ({size})"
        panels.append(_variant_lines(simulations, shares, title, "%", lang))
    return panels


def _flow_panels(
    simulations: Sequence[Simulation], names: Sequence[str], layer: str, lang: str
) -> list[Panel]:
    sums = [
        np.array([made.ratio([name], [name], layer)["part"].to_numpy() for name in names])
        for made in simulations
    ]
    total = max(float(np.nansum(each, axis=0).max()) for each in sums)
    factor, unit = handy([total], f"{BASE_UNITS.get(layer, 't')}/a", lang)
    titles = [_names(simulations[0], [name], lang) for name in names]
    if len(names) == 1:
        lines = [each[0] / factor for each in sums]
        return [_variant_lines(simulations, lines, f"{titles[0]}, {_layer(layer, lang)}", unit, lang)]
    return [
        Panel(
            _variant(made, lang),
            Axis(say("year", lang), plain=True),
            Axis(f"{_layer(layer, lang)}, {unit}", limits=(0.0, 1.05 * total / factor)),
            tuple(_stacked(made.years, each / factor, titles)),
        )
        for made, each in zip(simulations, sums, strict=True)
    ]


def _stacked(x: Sequence[float], amounts: np.ndarray, names: Sequence[str]) -> list[Area]:
    top = np.vstack([np.zeros(len(x)), np.cumsum(amounts, axis=0)])
    return [Area(name, x, top[at], top[at + 1], SERIES[at % len(SERIES)]) for at, name in enumerate(names)]


def _variant_lines(
    simulations: Sequence[Simulation], values: Sequence[np.ndarray], title: str, unit: str, lang: str
) -> Panel:
    lines = [
        Line(
            _variant(made, lang),
            made.years,
            mine,
            SERIES[at % len(SERIES)],
            DASHES[at % 4],
            SHAPES[at % len(SHAPES)],
        )
        for at, (made, mine) in enumerate(zip(simulations, values, strict=True))
    ]
    top = float(np.nanmax(np.concatenate(values), initial=0.0))
    least = float(np.nanmin(np.concatenate(values), initial=0.0))
    limits = (1.05 * least, 1.08 * top or 1.0)
    return Panel(title, Axis(say("year", lang), plain=True), Axis(unit, limits=limits), tuple(lines))


def _variant(made: Simulation, lang: str) -> str:
    return str(made.results[0].system.about["variant_name"][lang] or made.scenario.name[lang])


def _layer(layer: str, lang: str) -> str:
    return say(layer, lang) if layer in BASE_UNITS else layer


def _names(made: Simulation, names: Sequence[str], lang: str) -> str:
    """Flows and goods by their names; an unknown one stays as it is and is refused where it is read."""
    system = made.results[0].system
    goods = system.goods.set_index("id")[lang]
    flows = {row: at for at, row in enumerate(system.flows["id"])}
    said = [
        str(goods[name])
        if name in goods.index
        else system.flow_name(flows[name], lang)
        if name in flows
        else name
        for name in names
    ]
    return " + ".join(said)
