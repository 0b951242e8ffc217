"""What the loss of each partner does, as tables in English or Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flowsim.views.text import Grid, handy, number, percent, unit_text

if TYPE_CHECKING:
    from flowsim.symbiosis.stress import Move, Stress

WORDS = {
    "lost": ("When a partner is lost", "失去一个伙伴时"),
    "cut": ("When a partner is cut by {}", "一个伙伴减产{}时"),
    "rank": ("rank", "名次"),
    "partner": ("partner", "伙伴"),
    "harm": ("worst change", "最大恶化"),
    "worst": ("of", "指标"),
    "kept": ("links kept", "链接保持率"),
    "firm": ("firm hit most, CNY/a", "受损最大的企业，元/年"),
    "stepped": ("steps in", "替代流"),
    "suffered": ("carries less", "减少的流"),
    "none": ("Partners without whom there is no answer", "失去后无法平衡的伙伴"),
    "lacks": ("what lacks", "缺口"),
    "values": ("Indicators", "指标"),
    "base": ("as it is", "现状"),
    "robust": (
        "{} of {} losses can be borne; what no one takes over is listed above",
        "{1} 个伙伴中失去 {0} 个仍可平衡；无法承接的已在上表列出",
    ),
    "all": ("each of {1} losses can be borne by the others", "{1} 个伙伴中失去任何一个，其余均可承接"),
    "stopped": ("stopped early: the other partners were not tried", "提前停止：其余伙伴未测试"),
}


def _say(word: str, lang: str) -> str:
    return WORDS[word][lang == "zh"]


def stress_grids(found: Stress, lang: str) -> list[Grid]:
    """The ranking, what lacks where there is no answer, and the indicators of each case."""
    names = {value.indicator.id: value.indicator for value in found.values}
    title = _say("lost", lang) if found.cut == 1 else _say("cut", lang).format(percent(found.cut))
    rows, lacking = [], []
    for rank, case in enumerate(found.cases, 1):
        name = case.zh if lang == "zh" else case.en
        if case.reason:
            lacking.append([str(rank), name, case.reason])
            continue
        worst = names.get(case.worst)
        label = "" if worst is None else worst.zh if lang == "zh" else worst.en
        cells = [str(rank), name, percent(case.harm), label, percent(case.kept)]
        firm = _hit_most(case.firms)
        rows.append([*cells, firm, _moves(case.stepped_in, lang), _moves(case.suffered, lang)])
    grids = []
    if lacking:
        heads = [_say(word, lang) for word in ("rank", "partner", "lacks")]
        grids.append(Grid(f"{_say('none', lang)} ({len(lacking)})", heads, lacking))
    if rows:
        words = ("rank", "partner", "harm", "worst", "kept", "firm", "stepped", "suffered")
        grids.append(Grid(f"{title} ({len(rows)})", [_say(word, lang) for word in words], rows, (2, 4)))
        grids.append(_values(found, lang))
    return grids


def _hit_most(firms: tuple[tuple[str, float], ...]) -> str:
    known = [(change, firm) for firm, change in firms if np.isfinite(change)]
    if not known or min(known)[0] >= 0:
        return "–"
    change, firm = min(known)
    return f"{firm} {number(change)}"


def _moves(moves: tuple[Move, ...], lang: str) -> str:
    parts = []
    for move in moves[:3]:
        change = move.after - move.before
        name = move.zh if lang == "zh" else move.en
        parts.append(f"{name} {'+' if change > 0 else ''}{number(change, 3)} {unit_text(move.unit, lang)}")
    return "; ".join(parts) or "–"


def _values(found: Stress, lang: str) -> Grid:
    """The indicators, one column a case, in the unit of the base."""
    cases = [case for case in found.cases if not case.reason]
    rows = []
    for at, value in enumerate(found.values):
        every = [value.value, *(case.values[at].value for case in cases)]
        factor, unit = handy(every, value.indicator.unit, lang)
        name = value.indicator.zh if lang == "zh" else value.indicator.en
        rows.append([name, unit, *(number(each / factor) for each in every)])
    heads = ["", "", _say("base", lang), *(case.partner for case in cases)]
    return Grid(_say("values", lang), heads, rows, tuple(range(2, len(heads))))


def stress_notes(found: Stress, lang: str) -> list[str]:
    """How many losses the others can bear."""
    borne = sum(not case.reason for case in found.cases)
    word = "all" if borne == len(found.cases) else "robust"
    notes = [_say(word, lang).format(borne, len(found.cases))]
    return [*notes, _say("stopped", lang)] if found.stopped else notes
