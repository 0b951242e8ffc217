"""Simulations as tables: stocks, flows, shares by year, balance over the years, variants side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from flowsim.system import BASE_UNITS
from flowsim.views.text import Grid, handy, number
from flowsim.words import say

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.studies.years import Simulation

MOST_YEARS = 9
"""Years that a table shows; the first and the last are always among them."""

ROUNDING = 1e-9
"""A difference within this share of what entered is rounding and shown as 0."""

WORDS = {
    "stocks": ("Stocks at the end of the year", "年末存量"),
    "stock": ("stock", "存量"),
    "flows": ("Flows", "流"),
    "flow": ("flow", "流"),
    "unit": ("unit", "单位"),
    "balance": ("Balance over all years", "各年合计平衡"),
    "layer": ("layer", "层"),
    "in": ("in", "输入"),
    "out": ("out", "输出"),
    "change": ("stock change", "存量变化"),
    "difference": ("difference", "差额"),
    "variant": ("variant", "方案"),
    "never": ("never", "未达到"),
    "share": ("share", "占比"),
    "reaches": ("first year from", "首次达到的年份"),
}
"""Texts of these tables: English, Chinese."""


def _layer(layer: str, lang: str) -> str:
    return say(layer, lang) if layer in BASE_UNITS else layer


def _say(word: str, lang: str) -> str:
    return WORDS[word][lang == "zh"]


def simulation_grids(made: Simulation, lang: str) -> list[Grid]:
    """Stocks and drawn flows by year, and the balance over the years."""
    grids = [stock_grid(made, lang)] if made.books else []
    return [*grids, flow_grid(made, lang), balance_grid(made, lang)]


def _shown(years: Sequence[float]) -> list[int]:
    """Positions of the years that a table shows, evenly spread."""
    count = min(MOST_YEARS, len(years))
    return sorted({round(at) for at in np.linspace(0, len(years) - 1, count)})


def _year_grid(
    title: str, head: str, rows: Iterable[tuple[str, str, np.ndarray]], years: list[float], lang: str
) -> Grid:
    """Rows of a name, a unit and one value a year."""
    chosen = _shown(years)
    made = []
    for name, unit, values in rows:
        factor, scaled = handy(values.tolist(), unit, lang)
        made.append([name, scaled, *(number(values[at] / factor) for at in chosen)])
    columns = [head, _say("unit", lang), *(f"{years[at]:g}" for at in chosen)]
    return Grid(title, columns, made, tuple(range(2, len(columns))))


def stock_grid(made: Simulation, lang: str) -> Grid:
    """What each stock holds at the end of the years, by layer."""
    processes = made.results[0].system.processes.set_index("id")[lang]
    rows = []
    for (at, stock, layer), part in made.stocks.groupby(["at", "stock", "layer"], sort=False):
        name = f"{processes[at]} ({stock})" + (f", {layer}" if layer else "")
        rows.append((name, str(part["unit"].iloc[0]), part["level"].to_numpy()))
    return _year_grid(_say("stocks", lang), _say("stock", lang), rows, made.years, lang)


def flow_grid(made: Simulation, lang: str, layer: str = "mass") -> Grid:
    """The drawn flows and open links by year, in one layer."""
    system = made.results[0].system
    spilt = (system.flows["good"] + system.flows["to"]).isin(set(made.spilt()["good"] + made.spilt()["to"]))
    spilt &= system.flows["how"] == "implied"
    drawn = np.flatnonzero(system.flows["how"].isin(["drawn", "link"]) | spilt)
    values = np.array([result.layer(layer) for result in made.results])
    unit = {"water": "m3/a", "energy": "GJ/a"}.get(layer, "t/a")
    rows = [(system.flow_name(int(at), lang), unit, values[:, at]) for at in drawn]
    return _year_grid(
        f"{_say('flows', lang)}, {_layer(layer, lang)}", _say("flow", lang), rows, made.years, lang
    )


def balance_grid(made: Simulation, lang: str) -> Grid:
    """What entered, left and stayed over all years, and what is left over."""
    names = ("in", "out", "change", "difference")
    rows = []
    for check in made.checks.to_dict("records"):
        factor, unit = handy([check["in"]], "t", lang)
        shown = [number(check[name] / factor) for name in names[:-1]]
        rest = 0.0 if abs(check["share"]) < ROUNDING else check["difference"]
        rows.append([_layer(check["layer"], lang), unit, *shown, number(rest / factor)])
    columns = [_say("layer", lang), _say("unit", lang), *(_say(name, lang) for name in names)]
    return Grid(_say("balance", lang), columns, rows, (2, 3, 4, 5))


def variant_grid(
    simulations: Sequence[Simulation], part: list[str], whole: list[str], lang: str, layer: str = "mass"
) -> Grid:
    """A share in every variant, by year, and when it first reaches 10, 30 and 50 %."""
    years = simulations[0].years
    chosen = _shown(years)
    levels = (0.1, 0.3, 0.5)
    rows = []
    for made in simulations:
        share = made.ratio(part, whole, layer)
        reached = made.passes(share, levels).values()
        texts = [_say("never", lang) if year is None else f"{year:g}" for year in reached]
        rows.append([_name(made, lang), *(_percent(share, at) for at in chosen), *texts])
    columns = [_say("variant", lang), *(f"{years[at]:g}" for at in chosen)]
    columns += [f"{_say('reaches', lang)} {level:.0%}" for level in levels]
    title = f"{_say('share', lang)}: {' + '.join(part)} / {' + '.join(whole)}, {_layer(layer, lang)}"
    return Grid(title, columns, rows, tuple(range(1, len(columns))))


def yearly_grids(simulations: Sequence[Simulation], tables: Sequence[pd.DataFrame], lang: str) -> list[Grid]:
    """Indicators by year in every variant, and why those that no year has are missing."""
    years, rows = simulations[0].years, []
    lacking: dict[tuple[str, str], None] = {}
    for made, table in zip(simulations, tables, strict=True):
        for identity, part in table.groupby("id", sort=False):
            head, values = part.iloc[0], part["value"].to_numpy(dtype=float)
            if np.isnan(values).all():
                reason = head["reason_zh" if lang == "zh" else "reason"]
                lacking[str(identity), str(reason)] = None
                continue
            of = f" ({_name(made, lang)})" if len(simulations) > 1 else ""
            rows.append((f"{head[lang]}{of}", str(head["unit"]), values))
    grids = [_year_grid(say("indicators", lang), say("indicator", lang), rows, years, lang)]
    if lacking:
        grids.append(
            Grid(say("missing", lang), ["id", say("because", lang)], [list(each) for each in lacking])
        )
    return grids


def note_lines(simulations: Sequence[Simulation], lang: str) -> list[str]:
    """The notes of every variant, each once; one that not all share names those it belongs to."""
    owners: dict[str, list[str]] = {}
    for made in simulations:
        for note in made.notes(lang):
            owners.setdefault(note, []).append(_name(made, lang))
    return [
        note if len(names) == len(simulations) else f"{note} ({', '.join(names)})"
        for note, names in owners.items()
    ]


def _percent(share: pd.DataFrame, at: int) -> str:
    value = float(share["share"].iloc[at])
    return f"{number(value * 100, 3)} %" if np.isfinite(value) else number(value)


def _name(made: Simulation, lang: str) -> str:
    return str(made.results[0].system.about["variant_name"][lang])
