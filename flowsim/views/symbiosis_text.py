"""Candidate exchanges and abatement curves as tables, a picture and notes, in English or Chinese."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from flowsim.views.charts import curve as draw_curve
from flowsim.views.text import Grid, amount, handy, number, unit_text

if TYPE_CHECKING:
    from flowsim.symbiosis.curve import Curve, Step
    from flowsim.symbiosis.match import Candidate, Matches
    from flowsim.views.chart import Chart

WORDS = {
    "candidates": ("Exchanges that could be", "可建立的交换"),
    "savings": ("What each would save", "各项交换的节约量"),
    "estimates": ("What each would save, estimated", "各项交换的节约量（估算）"),
    "rejected": ("Takers that are out of the question", "不适用的接收方"),
    "good": ("good", "物料"),
    "from": ("from", "来自"),
    "to": ("to", "去向"),
    "way": ("how", "方式"),
    "amount": ("amount", "数量"),
    "unit": ("unit", "单位"),
    "limit": ("limited by", "限制因素"),
    "distance": ("km", "公里"),
    "beside": ("next best taker", "次优接收方"),
    "why": ("why not", "原因"),
    "reason": ("note", "说明"),
    "as it is": ("as it is", "直接利用"),
    "instead": ("as", "充当"),
    "through": ("through", "经"),
    "new plant": ("a new plant", "新建装置"),
    "link": ("link", "链接"),
    "avoided": ("avoided", "减少量"),
    "cost": ("cost", "成本"),
    "per unit": ("cost per unit avoided", "单位减排成本"),
    "cumulative": ("avoided in all", "累计减少量"),
    "alone": ("avoided alone", "单独减少量"),
    "new": ("new: ", "新建："),
    "nothing": ("moves, and saves nothing that is counted", "可流动，但无可计的节约"),
}
SHOWN = {
    "waste": ("Links by the cost of waste avoided", "按废物减量成本排序的链接"),
    "water": ("Links by the cost of fresh water saved", "按节水成本排序的链接"),
    "co2": ("Links by the cost of CO2 avoided", "按碳减排成本排序的链接"),
    "virgin": ("Links by the cost of virgin material saved", "按节约原生物料成本排序的链接"),
}
SAVINGS = {
    "virgin_material": ("virgin input", "原生物料"),
    "waste": ("waste", "废物处置"),
    "water": ("fresh water", "新水"),
    "energy": ("energy", "能源"),
    "co2": ("CO2", "CO2"),
    "money": ("money", "收益"),
}
"""Short headings of what is saved; `MEANT` says what they stand for."""
MEANT = (
    "Waste is what no longer goes to landfill or disposal; energy is comprehensive energy, calorific; money "
    "is value added gained, less the cost of the link. A negative figure is what is spent more.",
    "废物处置指减少的填埋与处置量；能源为综合能耗（当量值）；收益为增加值增量扣除链接成本。负值表示增加消耗。",
)
METHOD = (
    "The order is that of the cost per unit when each link alone is opened in the system without any. "
    "Each step is what the link adds to those before it, so the steps add up to what all links do together. "
    "Cost: margin lost at the prices of the table, cost, freight and fixed cost; negative where it earns.",
    "先在无这些链接的系统中逐一单独开通，按单位成本由低到高排序；再按此顺序依次开通，每一步为该链接在前序链接基础上的增量，"
    "各步之和等于全部链接的共同作用。成本为按价格表计的毛利损失、链接费用、运费和固定费用之和，负值表示有收益。",
)


def _say(word: str, lang: str) -> str:
    return WORDS[word][lang == "zh"]


def match_grids(matches: Matches, lang: str, every: bool = False) -> list[Grid]:
    """The candidates, what each saves, and with ``every`` the takers that were rejected."""
    grids = [_candidate_grid(matches, lang), _saving_grid(matches, lang)] if matches.candidates else []
    return [*grids, _rejected_grid(matches, lang)] if every or not grids else grids


def match_notes(matches: Matches, lang: str) -> list[str]:
    """How many there are, and what was assumed."""
    shown, found = len(matches.candidates), matches.found
    total = f"{shown} of {found} candidates are shown." if lang == "en" else f"共{found}项，显示{shown}项。"
    meant = [MEANT[lang == "zh"]] if matches.candidates else []
    return [total, *meant, *(zh if lang == "zh" else en for en, zh in matches.assumed)]


def _names(matches: Matches, lang: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Names of goods, processes and recipes."""
    tables, processes = matches.scenario.tables, matches.result.system.processes
    goods, heads = tables["goods"], tables["recipes"][tables["recipes"]["role"] == "reference"]
    return (
        dict(zip(goods["id"], goods[lang], strict=True)),
        dict(zip(processes["id"], processes[lang], strict=True)),
        dict(zip(heads["recipe"], heads[lang], strict=True)),
    )


def _candidate_grid(matches: Matches, lang: str) -> Grid:
    from flowsim.symbiosis.candidates import LIMITS

    goods, processes, recipes = _names(matches, lang)
    rows = []
    for at, one in enumerate(matches.candidates, 1):
        taker = _say("new", lang) + recipes.get(one.plant, one.plant) if one.plant else processes[one.taker]
        ends = [goods[one.good], processes[one.giver], taker, _how(one, goods, recipes, lang)]
        beside = one.beside_zh if lang == "zh" else one.beside
        limits = [LIMITS[one.limit][lang == "zh"], number(one.distance, 3), beside]
        rows.append([str(at), *ends, *amount(one.amount, one.unit, lang), *limits])
    words = ("good", "from", "to", "way", "amount", "unit", "limit", "distance", "beside")
    return Grid(_say("candidates", lang), ["#", *(_say(word, lang) for word in words)], rows, (0, 5, 8))


def _how(one: Candidate, goods: dict[str, str], recipes: dict[str, str], lang: str) -> str:
    """As it is, instead of another good, through a treatment, or in a new plant."""
    parts = []
    if one.plant:
        parts.append(_say("new plant", lang))
    if one.through:
        made = f"{recipes.get(one.through, one.through)} → {goods[one.product]}"
        parts.append(f"{_say('through', lang)} {made}")
    if one.replaces:
        parts.append(f"{_say('instead', lang)} {goods[one.replaces]}")
    return ", ".join(parts) or _say("as it is", lang)


def _saving_grid(matches: Matches, lang: str) -> Grid:
    from flowsim.indicators.ledger import SAVED
    from flowsim.indicators.registry import get

    heads, scales = [], []
    for key, (name, *_) in SAVED.items():
        factor, unit = handy([one.saved[key] for one in matches.candidates], get(name).unit, lang)
        heads.append(f"{SAVINGS[key][lang == 'zh']}, {unit}")
        scales.append(factor)
    rows = []
    for at, one in enumerate(matches.candidates, 1):
        saved = [number(one.saved[key] / scale) for key, scale in zip(SAVED, scales, strict=True)]
        reason = one.reason_zh if lang == "zh" else one.reason
        if one.balanced and not any(one.saved.values()):
            reason = _say("nothing", lang)
        rows.append([str(at), *saved, reason])
    balanced = all(one.balanced for one in matches.candidates)
    title = _say("savings" if balanced else "estimates", lang)
    right = tuple(range(1 + len(heads)))
    return Grid(title, ["#", *heads, _say("reason", lang)], rows, right)


def _rejected_grid(matches: Matches, lang: str) -> Grid:
    from flowsim.symbiosis.candidates import REJECTED

    goods, processes, recipes = _names(matches, lang)
    rows = [
        [
            goods[row["good"]],
            processes[row["from"]],
            processes.get(row["to"], row["to"]),
            recipes.get(row["through"], ""),
            REJECTED[row["why"]][lang == "zh"],
        ]
        for row in matches.rejected.to_dict("records")
    ]
    words = ("good", "from", "to", "through", "why")
    return Grid(f"{_say('rejected', lang)} ({len(rows)})", [_say(word, lang) for word in words], rows)


# ---- curves ----


def curve_grid(curve: Curve, lang: str) -> Grid:
    """The links in their order, with what each step avoids and costs."""
    steps = curve.steps
    size, unit = handy([step.cumulative for step in steps], curve.unit, lang)
    scale, money = handy([step.cost for step in steps], "CNY/a", lang)
    price = unit_text(f"CNY/{curve.unit.removesuffix('/a')}", lang)
    rows = []
    for at, step in enumerate(steps, 1):
        moved = " ".join(amount(step.amount, step.unit, lang)) if step.unit else "–"
        cells = [number(value / size) for value in (step.avoided, step.alone, step.cumulative)]
        reason = step.reason_zh if lang == "zh" else step.reason
        costs = [number(step.cost / scale), number(step.per_unit)]
        rows.append([str(at), _link(step, lang), moved, *cells, *costs, reason])
    heads = [f"{_say(word, lang)}, {unit}" for word in ("avoided", "alone", "cumulative")]
    heads += [f"{_say('cost', lang)}, {money}", f"{_say('per unit', lang)}, {price}", _say("reason", lang)]
    columns = ["#", _say("link", lang), _say("amount", lang), *heads]
    return Grid(SHOWN[curve.per][lang == "zh"], columns, rows, (0, 2, 3, 4, 5, 6, 7))


def curve_chart(curve: Curve, lang: str) -> Chart:
    """The steps that avoid something and whose cost is known, as an abatement curve.

    Raises
    ------
    InputError : there is no such step
    """
    from flowsim.indicators.registry import get

    item = get(curve.indicator)
    drawn = [step for step in curve.steps if not isnan(step.per_unit)]
    steps = [(_link(step, lang), step.avoided, step.per_unit) for step in drawn]
    avoided = {"en": f"{item.en}, avoided", "zh": f"{item.zh}减少量", "unit": item.unit}
    unit = f"CNY/{item.unit.removesuffix('/a')}"
    cost = {"en": "cost per unit avoided", "zh": "单位减排成本", "unit": unit}
    return draw_curve(steps, avoided=avoided, cost=cost, title=SHOWN[curve.per][lang == "zh"], lang=lang)


def _link(step: Step, lang: str) -> str:
    return step.zh if lang == "zh" else step.en
