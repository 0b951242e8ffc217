"""Water networks and heat cascades as tables and curves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from flowsim.schema import HEATS, WATERS
from flowsim.views.chart import Chart
from flowsim.views.charts import composite
from flowsim.views.text import Grid, amount, handy, number, percent, rounding

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.scenario import Scenario
    from flowsim.studies.heat_cascade import HeatCascade
    from flowsim.studies.water_network import WaterNetwork

WORDS = {
    "water": ("Water network", "水网络"),
    "fresh": ("fresh water", "新鲜水量"),
    "alone": ("fresh water without reuse", "不回用时的新鲜水量"),
    "saved": ("saved by reuse", "回用节约"),
    "waste": ("discharged", "排放量"),
    "treated": ("treated", "处理量"),
    "bound": ("no network needs less than", "任何网络的下限"),
    "proven": ("proven", "已证明最优"),
    "gap": ("not proven; the gap is at most", "未证明，差距不超过"),
    "pinch": ("pinch", "夹点"),
    "sends": ("Who sends water to whom", "供水去向"),
    "places": ("Places", "用水单元"),
    "from": ("from", "来自"),
    "to": ("to", "去向"),
    "kind": ("kind", "类别"),
    "name": ("name", "名称"),
    "flow": ("flow", "流量"),
    "unit": ("unit", "单位"),
    "value": ("value", "数值"),
    "in": ("in, {}", "进水 {}"),
    "out": ("out, {}", "出水 {}"),
    "heat": ("Heat cascade", "热级联"),
    "dtmin": ("smallest temperature difference", "最小传热温差"),
    "heating": ("heating needed", "所需加热"),
    "cooling": ("cooling needed", "所需冷却"),
    "recovered": ("heat recovered", "回收热量"),
    "penalty": ("added by forbidden matches and limits", "禁止匹配与限制所增加"),
    "pinches": ("pinch, hot side and cold side", "夹点（热侧与冷侧）"),
    "threshold": ("none: only one kind of utility is needed", "无（只需一种公用工程）"),
    "utilities": ("Utilities", "公用工程"),
    "matches": ("Who heats whom", "换热匹配"),
    "hot": ("gives", "放热"),
    "cold": ("takes", "吸热"),
    "zones": ("Each for itself, and together", "各自独立与整体集成"),
    "zone": ("firm or site", "企业或场地"),
    "sum": ("sum of all for themselves", "各自独立合计"),
    "together": ("together", "整体集成"),
    "residual": ("largest gap of a balance", "平衡最大残差"),
    "hot_utility": ("heating, without limit", "加热（不限）"),
    "cold_utility": ("cooling, without limit", "冷却（不限）"),
}
"""Texts of these tables: English, Chinese."""

Named = Callable[[str], str]


def _say(word: str, lang: str) -> str:
    return WORDS[word][lang == "zh"]


def _names(frame: pd.DataFrame, lang: str) -> Named:
    """What people call the rows of a table; what the study added is among the texts above."""
    known = {row["id"]: row[lang] or row["id"] for row in frame[["id", lang]].to_dict("records")}
    return lambda name: known.get(name) or (_say(name, lang) if name in WORDS else name)


def _summary(title: str, rows: list[list[str]], lang: str) -> Grid:
    return Grid(title, [_say("name", lang), _say("value", lang), _say("unit", lang)], rows, (1,))


# ---- water ----


def water_grids(scenario: Scenario, made: WaterNetwork, lang: str) -> list[Grid]:
    """What the network needs, who sends what to whom, and what each place takes and gives."""
    named = _names(scenario.tables["waters"], lang)
    substances = [
        str(name).removeprefix("in_") for name in made.places.columns if str(name).startswith("in_")
    ]
    return [
        _water_summary(made, lang),
        _sends(made, substances, named, lang),
        _places(made, substances, named, lang),
    ]


def _water_summary(made: WaterNetwork, lang: str) -> Grid:
    def row(word: str, value: float) -> list[str]:
        return [_say(word, lang), *amount(value, "m3/a", lang)]

    rows = [row("fresh", made.fresh), row("alone", made.without_reuse)]
    if np.isfinite(made.without_reuse) and made.without_reuse > 0:
        rows.append([_say("saved", lang), percent(1 - made.fresh / made.without_reuse), ""])
    rows += [row("waste", made.waste), row("treated", made.treated), row("bound", made.bound)]
    rows.append(["", _say("proven", lang) if made.exact else f"{_say('gap', lang)} {percent(made.gap)}", ""])
    if np.isfinite(made.pinch):
        rows.append([_say("pinch", lang), number(made.pinch * 1e6), "mg/L"])
    rows.append([_say("residual", lang), rounding(made.residual), ""])
    return _summary(_say("water", lang), rows, lang)


def _sends(made: WaterNetwork, substances: list[str], named: Named, lang: str) -> Grid:
    flows = made.flows
    factor, unit = handy(flows["flow"].tolist(), "m3/a", lang)
    rows = [
        [
            named(flow["from"]),
            named(flow["to"]),
            number(flow["flow"] / factor),
            unit,
            *(number(flow[name] * 1e6) for name in substances),
        ]
        for flow in flows.sort_values("flow", ascending=False, kind="stable").to_dict("records")
    ]
    columns = [
        *(_say(word, lang) for word in ("from", "to", "flow", "unit")),
        *(f"{s}, mg/L" for s in substances),
    ]
    return Grid(_say("sends", lang), columns, rows, (2, *range(4, len(columns))))


def _places(made: WaterNetwork, substances: list[str], named: Named, lang: str) -> Grid:
    factor, unit = handy(made.places["flow"].tolist(), "m3/a", lang)
    sides = [(side, name) for name in substances for side in ("in", "out")]
    rows = [
        [
            named(place["id"]),
            WATERS[place["kind"]][lang == "zh"],
            number(place["flow"] / factor),
            unit,
            *(number(place[f"{side}_{name}"] * 1e6) for side, name in sides),
        ]
        for place in made.places.to_dict("records")
    ]
    heads = [_say(side, lang).format(f"{name} mg/L") for side, name in sides]
    columns = [*(_say(word, lang) for word in ("name", "kind", "flow", "unit")), *heads]
    return Grid(_say("places", lang), columns, rows, (2, *range(4, len(columns))))


# ---- heat ----


def heat_grids(scenario: Scenario, made: HeatCascade, lang: str) -> list[Grid]:
    """What the streams need, which utilities serve them, who heats whom, and what sharing brings."""
    named = _names(scenario.tables["heats"], lang)
    grids = [_heat_summary(made, lang), _utilities(made, named, lang), _matches(made, named, lang)]
    return [*grids, _zones(made, lang)] if len(made.zones) > 1 else grids


def _heat_summary(made: HeatCascade, lang: str) -> Grid:
    rows = [[_say("dtmin", lang), number(made.dtmin), "K"]]
    for word in ("heating", "cooling", "recovered", "penalty"):
        rows.append([_say(word, lang), *amount(getattr(made, word), "GJ/a", lang)])
    half = made.dtmin / 2
    pinches = "; ".join(f"{number(at + half)} / {number(at - half)}" for at in made.pinches)
    rows.append([_say("pinches", lang), pinches or _say("threshold", lang), "°C" if pinches else ""])
    rows.append([_say("residual", lang), rounding(made.residual), ""])
    return _summary(_say("heat", lang), rows, lang)


def _utilities(made: HeatCascade, named: Named, lang: str) -> Grid:
    rows = []
    for utility in made.utilities.to_dict("records"):
        kind = HEATS["hot_utility" if utility["hot"] else "cold_utility"][lang == "zh"]
        rows.append([named(utility["id"]), kind, *amount(utility["duty"], "GJ/a", lang)])
    columns = [_say(word, lang) for word in ("name", "kind", "value", "unit")]
    return Grid(_say("utilities", lang), columns, rows, (2,))


def _matches(made: HeatCascade, named: Named, lang: str) -> Grid:
    rows = [
        [named(pair["hot"]), named(pair["cold"]), *amount(pair["duty"], "GJ/a", lang)]
        for pair in made.matches.sort_values("duty", ascending=False, kind="stable").to_dict("records")
    ]
    return Grid(
        _say("matches", lang), [_say(word, lang) for word in ("hot", "cold", "value", "unit")], rows, (2,)
    )


def _zones(made: HeatCascade, lang: str) -> Grid:
    """What each firm or site needs for itself, and what all need together."""
    alone = made.zones
    lines = [(str(zone), *needs) for zone, *needs in alone.itertuples(index=False)]
    lines.append((_say("sum", lang), alone["heating"].sum(), alone["cooling"].sum()))
    lines.append((_say("together", lang), made.heating, made.cooling))
    rows = [[name, *amount(hot, "GJ/a", lang), *amount(cold, "GJ/a", lang)] for name, hot, cold in lines]
    columns = [_say(word, lang) for word in ("zone", "heating", "unit", "cooling", "unit")]
    return Grid(_say("zones", lang), columns, rows, (1, 3))


def heat_chart(made: HeatCascade, lang: str) -> Chart:
    """The composite curves and the grand composite curve."""
    curves = (curve[["heat", "temperature"]].to_numpy() for curve in (made.hot, made.cold, made.grand))
    hot, cold, grand = curves
    pinch = made.pinches[0] if made.pinches else None
    return composite(hot, cold, grand, pinch=pinch, unit="GJ/a", lang=lang)
