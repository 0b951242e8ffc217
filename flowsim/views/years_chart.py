"""Stocks, flows and shares through the years as charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.system import BASE_UNITS
from flowsim.views.chart import Area, Axis, Chart, Line, Panel
from flowsim.views.colours import SERIES
from flowsim.views.text import handy
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.studies.years import Simulation

DASHES = ("-", "--", "-.", ":")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")


def years(
    simulations: Sequence[Simulation],
    names: Sequence[str] = (),
    *,
    part: Sequence[str] = (),
    whole: Sequence[str] = (),
    layer: str = "mass",
    lang: str = "en",
) -> Chart:
    """Stocks, flows or a share through the years, for one or more variants of the same years.

    Parameters
    ----------
    names : flows (ids) or goods: stacked in one panel a variant; one name alone is one line a variant.
        Without names the stocks, one panel a stock and one line a variant.
    part, whole : flows or goods; draws the share of the part in the whole instead, one line a variant
    layer : of flows and shares: mass, water, energy or a substance

    Raises
    ------
    InputError : nothing to draw, a name that no flow has, a layer that there is not
    """
    if part or whole:
        panels = [_share_panel(simulations, part, whole, layer, lang)]
    elif names:
        panels = _flow_panels(simulations, names, layer, lang)
    else:
        panels = _stock_panels(simulations, lang)
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
    return _variant_lines(simulations, shares, f"{title} ({_layer(layer, lang)})", "%", lang)


def _stock_panels(simulations: Sequence[Simulation], lang: str) -> list[Panel]:
    tables = [made.stocks[made.stocks["layer"] == ""] for made in simulations]
    if tables[0].empty:
        hint = "Name flows or goods to draw."
        raise InputError(Problem("the scenario has no stocks.", str(simulations[0].scenario.file), hint=hint))
    processes = simulations[0].results[0].system.processes.set_index("id")[lang]
    panels = []
    for (stock, at, unit), _ in tables[0].groupby(["stock", "at", "unit"], sort=False):
        levels = [table[table["stock"] == stock]["level"].to_numpy() for table in tables]
        factor, shown = handy(np.concatenate(levels).tolist(), str(unit), lang)
        title = f"{processes[at]} ({stock}), {say('stock at the end of the year', lang)}"
        panels.append(_variant_lines(simulations, [each / factor for each in levels], title, shown, lang))
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
