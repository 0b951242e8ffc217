"""An optimum, its limits and a Pareto front as tables and sentences, in English or Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from flowsim.views.charts import front as draw_front
from flowsim.views.text import Grid, handy, number, percent, unit_text

if TYPE_CHECKING:
    from flowsim.symbiosis.limits import Limit, Range
    from flowsim.symbiosis.optimise import Optimum
    from flowsim.symbiosis.pareto import Front
    from flowsim.symbiosis.shares import Shares
    from flowsim.views.chart import Chart

WORDS = {
    "objective": ("Objective", "目标"),
    "before": ("before", "优化前"),
    "unlinked": ("best without new links", "不开新链接的最优"),
    "planned": ("best with links (programme)", "开通链接的最优（规划解）"),
    "after": ("balanced again, the figure to use", "重新平衡后（采用值）"),
    "change": ("change", "变化"),
    "bound": ("proved bound", "已证明的界"),
    "gap": ("gap", "最优性间隙"),
    "value": ("value", "数值"),
    "unit": ("unit", "单位"),
    "links": ("Links to open", "应开通的链接"),
    "link": ("link", "链接"),
    "from": ("from", "来自"),
    "to": ("to", "去向"),
    "amount": ("amount", "数量"),
    "plan": ("programme", "规划解"),
    "limit": ("limit", "上限"),
    "cost": ("cost, CNY/a", "链接成本，元/年"),
    "binds": ("bound by", "受限于"),
    "share": ("share of the input", "占比上限"),
    "capacity": ("capacity of the taker", "接收方产能"),
    "supply": ("all that there is", "供给已用尽"),
    "need": ("the whole need", "需求已满足"),
    "goal": ("nothing: more would not help", "无：增加无益"),
    "closed": ("Candidates that stay closed", "保持关闭的候选链接"),
    "good": ("good", "物料"),
    "after short": ("after", "优化后"),
    "stated": ("Other flows that the answer changes, stated in the variant", "方案中一并规定的其他流量"),
    "stated as": ("stated", "规定"),
    "stated limit": ("at most", "上限"),
    "stated minimum": ("at least", "下限"),
    "worth": ("What one more unit of a limit is worth", "各上限每增加一单位的价值"),
    "meaning": ("meaning", "含义"),
    "dual": ("shadow price", "影子价格"),
    "checked": ("re-solved", "重新求解"),
    "ranges": ("Links that could be exchanged at no loss", "可互换而不影响目标的链接"),
    "low": ("from", "最小"),
    "high": ("to", "最大"),
    "benefits": ("Net benefit of each firm, CNY/a", "各企业净收益，元/年"),
    "exchanges": ("Both sides of each exchange, CNY/a", "各交换的双方收益，元/年"),
    "firm": ("firm", "企业"),
    "margin": ("margin", "毛利变化"),
    "link_cost": ("link costs", "链接成本"),
    "received": ("received", "收款"),
    "paid": ("paid", "付款"),
    "net": ("net", "净收益"),
    "even": ("even split", "平均分配"),
    "shapley": ("Shapley", "Shapley 值"),
    "verdict": ("", ""),
    "loses": ("loses", "受损"),
    "giver": ("giver", "供给方"),
    "taker": ("taker", "接收方"),
    "avoided": ("saved or earned", "节约或所得"),
    "worth_before": ("worth before", "原有价值"),
    "price": ("price per unit", "单价"),
    "payment": ("payment", "付款额"),
    "giver_gain": ("giver gains", "供给方收益"),
    "taker_gain": ("taker gains", "接收方收益"),
    "front": ("Pareto front", "帕累托前沿"),
    "point": ("point", "点"),
    "open": ("open links", "开通链接"),
    "count": ("links", "链接数"),
    "links of the front": ("Links of the front", "前沿上的链接"),
    "in points": ("in points", "采用的点数"),
    "base": ("as it stands", "现状"),
}
KINDS = {
    "capacity": ("capacity of", "产能"),
    "link": ("the limit of", "链接上限"),
    "flow": ("the limit of", "流量上限"),
    "row": ("the share allowed to", "占比或掺量上限"),
}
MOST_CLOSED = 40
"""Candidates that are named though they stay closed."""


def _say(word: str, lang: str) -> str:
    return WORDS[word][lang == "zh"]


def optimum_grids(optimum: Optimum, binds: Sequence[str], lang: str) -> list[Grid]:
    """The objective, the links to open with what binds each of them, and the candidates that stay closed."""
    goal = optimum.objective
    figures = [optimum.before, optimum.unlinked, optimum.planned, optimum.after]
    factor, unit = handy(figures, goal.unit, lang)
    rows = [
        [_say(word, lang), number(value / factor, 6), unit]
        for word, value in zip(("before", "unlinked", "planned", "after"), figures, strict=True)
    ]
    share = (optimum.after - optimum.before) / abs(optimum.before) if optimum.before else float("nan")
    rows.append([_say("change", lang), f"{number((optimum.after - optimum.before) / factor, 6)}", unit])
    rows.append(["", percent(share), ""])
    rows.append([_say("bound", lang), number(optimum.bound / factor, 6), unit])
    rows.append([_say("gap", lang), f"{optimum.gap:.0e}", ""])
    title = f"{_say('objective', lang)}: {goal.zh if lang == 'zh' else goal.en}"
    columns = ["", _say("value", lang), _say("unit", lang)]
    return [Grid(title, columns, rows, (1,)), *_link_grids(optimum, lang, binds)]


def _link_grids(optimum: Optimum, lang: str, binds: Sequence[str]) -> list[Grid]:
    flows, system = optimum.case.system.flows, optimum.case.system
    places = system.processes[lang].to_numpy()
    opened, shut = [], []
    balanced, planned = optimum.balanced, optimum.amounts
    differs = not np.allclose(balanced[optimum.opened], planned[optimum.opened], rtol=1e-6)
    for at, name in enumerate(optimum.case.links):
        row = flows.iloc[int(optimum.case.at[at])]
        ends = [str(places[int(row[end])]) for end in ("from_at", "to_at")]
        label = str(row[lang]) or name
        if not optimum.opened[at]:
            shut.append([name, label, *ends])
            continue
        unit = f"{system.goods['unit'].iloc[int(row['good_at'])]}/a"
        limit = float(optimum.case.system.upper[optimum.case.at[at]])
        cost = balanced[at] * float(row["unit_cost"]) + float(row["fixed_cost"])
        cells = [name, label, *ends, number(balanced[at], 6), unit_text(unit, lang)]
        cells += [number(planned[at], 6)] if differs else []
        opened.append([*cells, number(limit, 6), number(cost), _say(binds[at], lang)])
    plan = ["plan"] if differs else []
    words = ("link", "from", "to", "amount", "unit", *plan, "limit", "cost", "binds")
    heads = ["id", *(_say(word, lang) for word in words)]
    grids = [
        Grid(f"{_say('links', lang)} ({len(opened)})", heads, opened, (4, 6, 7, *([8] if differs else [])))
    ]
    if shut:
        heads = ["id", *(_say(word, lang) for word in ("link", "from", "to"))]
        grids.append(Grid(f"{_say('closed', lang)} ({len(shut)})", heads, shut[:MOST_CLOSED]))
    return grids


def stated_grid(optimum: Optimum, lang: str) -> Grid:
    """What the variant states of other flows, so that they divide as in the programme."""
    system = optimum.case.system
    rows, places = system.flows.set_index("id"), system.processes[lang].to_numpy()
    at, after = rows.index, optimum.case.of_result(optimum.result)
    lines = []
    for name, said in optimum.balance.stated.items():
        flow = int(at.get_indexer([name])[0])
        row = rows.iloc[flow]
        good = system.goods.iloc[int(row["good_at"])]
        figures = (float(optimum.case.x[flow]), float(after[flow]))
        factor, unit = handy(figures, f"{good['unit']}/a", lang)
        bounds = ", ".join(_say(f"stated {column}", lang) for column in said)
        ends = [str(places[int(row[end])]) for end in ("from_at", "to_at")]
        lines.append([str(good[lang]), *ends, *(number(each / factor) for each in figures), unit, bounds])
    words = ("good", "from", "to", "before", "after short", "unit", "stated as")
    return Grid(_say("stated", lang), [_say(word, lang) for word in words], lines, (3, 4))


def limit_grid(optimum: Optimum, limits: Sequence[Limit], lang: str) -> Grid:
    """Shadow prices in words, checked by solving again."""
    rows = []
    for limit in limits:
        rows.append(
            [
                worth_text(optimum, limit, lang),
                number(limit.limit, 6),
                unit_text(limit.unit, lang),
                number(limit.dual),
                number(limit.worth),
            ]
        )
    columns = [_say(word, lang) for word in ("meaning", "limit", "unit", "dual", "checked")]
    return Grid(_say("worth", lang), columns, rows, (1, 3, 4))


def worth_text(optimum: Optimum, limit: Limit, lang: str) -> str:
    """One more unit of a limit as a sentence."""
    goal, worth = optimum.objective, limit.worth
    unit = unit_text(goal.unit, lang)
    name = limit.zh if lang == "zh" else limit.en
    per = unit_text(limit.unit, lang)
    amount = f"{number(abs(worth), 3)} {unit}"
    if abs(worth) <= 1e-6 * abs(limit.dual) or worth == 0:
        return (
            f"{name}每增加1 {per}：另有限制，目标不变"
            if lang == "zh"
            else f"one more {per} of {KINDS[limit.kind][0]} {name}: nothing, another limit binds at once"
        )
    better = worth * goal.sense < 0
    if lang == "zh":
        verb = "减少" if worth < 0 else "增加"
        return f"{name}的{KINDS[limit.kind][1]}每增加1 {per}，{goal.zh}{verb}{amount}"
    verb = "saves" if better and goal.sense > 0 else "gains" if better else "costs"
    return f"one more {per} of {KINDS[limit.kind][0]} {name} {verb} {amount} of {goal.en}"


def range_grid(optimum: Optimum, found: Sequence[Range], lang: str) -> Grid:
    """Links whose amount the objective leaves open, with the range."""
    flows = optimum.case.system.flows.set_index("id")
    rows = []
    for item in found:
        unit = f"{optimum.case.system.goods['unit'].iloc[int(flows.loc[item.link, 'good_at'])]}/a"
        label = str(flows.loc[item.link, lang]) or item.link
        rows.append([item.link, label, number(item.low, 6), number(item.high, 6), unit_text(unit, lang)])
    columns = ["id", *(_say(word, lang) for word in ("link", "low", "high", "unit"))]
    return Grid(_say("ranges", lang), columns, rows, (2, 3))


def share_grids(found: Shares, lang: str) -> list[Grid]:
    """Firms with their net benefit and shares, and each exchange with both of its sides."""
    rows = []
    for each in found.benefits:
        error = f" ± {number(each.error, 2)}" if each.error > 0 else ""
        money = (each.margin, each.link_cost, each.received, each.paid, each.net, each.even)
        loses = _say("loses", lang) if each.net < -1e-6 * max(abs(found.worth), 1.0) else ""
        rows.append([each.firm, *map(number, money), number(each.shapley) + error, loses])
    words = ("firm", "margin", "link_cost", "received", "paid", "net", "even", "shapley", "verdict")
    heads = [_say(word, lang) for word in words]
    title = _say("benefits", lang)
    grids = [Grid(title, heads, rows, tuple(range(1, 8)))]
    rows = []
    for link in found.exchanges:
        gains = (link.giver_gain, link.taker_gain)
        cells = (link.avoided, link.cost, link.before, link.price, link.payment, *gains)
        loses = f"{_say('loses', lang)}: {', '.join(link.losers)}" if link.losers else ""
        rows.append([link.link, link.giver, link.taker, number(link.amount), *map(number, cells), loses])
    words = ("link", "giver", "taker", "amount", "avoided", "link_cost", "worth_before", "price", "payment")
    heads = [_say(word, lang) for word in (*words, "giver_gain", "taker_gain", "verdict")]
    return [*grids, Grid(_say("exchanges", lang), heads, rows, tuple(range(3, 11)))]


def share_notes(found: Shares, lang: str) -> list[str]:
    """What the shares stand on."""
    zh = lang == "zh"
    notes = [SHARE_NOTES["transfer"][zh].format(percent(found.transfer))]
    notes.append(SHARE_NOTES["worth"][zh].format(number(found.worth), number(found.others)))
    return notes if found.exact else [*notes, SHARE_NOTES["sampled"][zh].format(found.seed)]


SHARE_NOTES = {
    "transfer": (
        "money in CNY/a at table prices; the transfer price gives the giver {} of the gain of the link",
        "金额单位为元/年，按价目表计；转让价格使供给方得到链接收益的{}",
    ),
    "worth": (
        "all firms together gain {} by the links (least net cost of each coalition, up to these amounts); "
        "margins outside these firms change by {}",
        "各方合作的总收益为{}（各联盟在上述数量内的最小净成本）；其余企业的毛利变化为{}",
    ),
    "sampled": ("Shapley values are sampled, seed {}", "Shapley 值为抽样估计，随机种子 {}"),
}
"""What is said below the shares."""


def front_grids(front: Front, lang: str) -> list[Grid]:
    """The base and the points of a front with their links by number, and the links by name."""
    scales = [
        handy([front.base[at], *(point[at] for point in _pairs(front))], goal.unit, lang)
        for at, goal in enumerate((front.first, front.second))
    ]
    opened = np.array([point.opened for point in front.points]).reshape(len(front.points), -1)
    some = np.flatnonzero(opened.any(axis=0))
    number_of = {int(link): str(at) for at, link in enumerate(some, 1)}
    rows = [[_say("base", lang), *_values(front.base, scales), "0", ""]]
    for at, (mine, pair) in enumerate(zip(opened, _pairs(front), strict=True), 1):
        links = [number_of[int(link)] for link in np.flatnonzero(mine)]
        rows.append([str(at), *_values(pair, scales), str(len(links)), ", ".join(links)])
    heads = [
        f"{goal.zh if lang == 'zh' else goal.en}, {unit}"
        for goal, (_, unit) in zip((front.first, front.second), scales, strict=True)
    ]
    columns = [_say("point", lang), *heads, _say("count", lang), _say("open", lang)]
    grids = [Grid(_say("front", lang), columns, rows, (1, 2, 3))]
    labels = front.case.system.flows[lang].to_numpy()[front.case.at]
    named = [
        [number_of[int(link)], front.case.links[link], str(labels[link]), f"{opened[:, link].sum()}"]
        for link in some
    ]
    if named:
        columns = ["#", "id", _say("link", lang), _say("in points", lang)]
        grids.append(Grid(_say("links of the front", lang), columns, named, (0, 3)))
    return grids


def front_chart(front: Front, lang: str) -> Chart:
    """The front as a picture, the base beside it."""
    labels = [{"en": goal.en, "zh": goal.zh, "unit": goal.unit} for goal in (front.first, front.second)]
    names = [str(at) for at in range(1, len(front.points) + 1)]
    return draw_front(_pairs(front), *labels, names=names, others=[front.base], lang=lang)


def _pairs(front: Front) -> list[tuple[float, float]]:
    return [(point.first, point.second) for point in front.points]


def _values(pair: tuple[float, float], scales: Sequence[tuple[float, str]]) -> list[str]:
    return [number(value / factor, 6) for value, (factor, _) in zip(pair, scales, strict=True)]


NOTES = {
    "free": (
        "held: facts, limits and capacities alone; activities may move",
        "仅保持数据、上限和产能不变，各厂运行量可变",
    ),
    "held": (
        "held: facts and stated activities; nobody buys instead of taking from inside; plants that use a "
        "waste keep it; nothing goes a worse way out than before (docs/optimise.md)",
        "保持不变：数据与给定运行量；园区内已有的供应不改为外购；利用废物的工厂不减少用量；"
        "不转向更差的去向（见 docs/optimise.md）",
    ),
    "dropped": (
        "with all links of the programme the balanced answer is worse than what there is; left out: {}",
        "若采用规划解的全部链接，重新平衡后反而不如现状；已舍去：{}",
    ),
    "same": ("balanced again the objective is the same", "重新平衡后目标值不变"),
    "differs": (
        "balanced again the objective differs by {}: beside links the merit order decides, not the objective",
        "重新平衡后目标值相差{}：链接以外的选择由优先次序决定",
    ),
    "tolerance": ("tolerance of the solver 1e-9, of the switches 1e-6", "求解器容差 1e-9，整数间隙 1e-6"),
    "unseen": ("the range of {} more links was not looked for", "另有{}条链接未检查互换范围"),
}
"""What is said below the tables."""


def optimum_notes(optimum: Optimum, unseen: int, lang: str) -> list[str]:
    """What was held, how sure the answer is, and how far the balanced answer is from the programme's."""
    zh = lang == "zh"
    difference = optimum.after - optimum.planned
    size = max(abs(optimum.planned), abs(optimum.before), 1e-12)
    unit = unit_text(optimum.objective.unit, lang)
    shown = f"{number(difference)} {unit} ({percent(difference / size)})"
    notes = [NOTES["free" if optimum.options["free_activities"] else "held"][zh]]
    notes.append(NOTES["differs" if abs(difference) > 1e-6 * size else "same"][zh].format(shown))
    if optimum.balance.dropped:
        notes.append(NOTES["dropped"][zh].format(", ".join(optimum.balance.dropped)))
    notes.append(NOTES["tolerance"][zh])
    return [*notes, NOTES["unseen"][zh].format(unseen)] if unseen else notes
