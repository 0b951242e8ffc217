"""Charts of comparisons, of years, and of what studies find, as `Chart` values.

`svg`, `png`, `pdf` and `page` turn a chart into a file's content; `figure` gives the matplotlib figure. The
same results give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.tables import nearest
from flowsim.views.chart import Axis, Boxes, Chart, Line, Mark, Panel, Points, Texts
from flowsim.views.chart_page import page
from flowsim.views.chart_print import figure, pdf, png, svg
from flowsim.views.colours import BAD, GOOD, LESS, MORE, OPEN, SERIES, TOTAL
from flowsim.views.svg import wrap
from flowsim.views.text import change_text, handy, heading, number, part_name, unit_text
from flowsim.views.years_chart import years
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.compare import Comparison, Verdict

__all__ = ["bars", "composite", "curve", "figure", "front", "page", "pdf", "png", "svg", "waterfall", "years"]

Label = Mapping[str, str]
"""Names in both languages, ``en`` and ``zh``; of an axis also its canonical ``unit``."""

MOST_PARTS = 8
"""Contributions that a waterfall names; the others are one bar."""
NAME_WIDTH = 150.0
"""Points that the name of a bar may be wide before it is broken."""
JUDGED = {True: ("pass", GOOD, "o"), False: ("fail", BAD, "X"), None: ("not judged", OPEN, "d")}
"""Word, colour and shape of a verdict."""

# --- variants side by side -----------------------------------------------------------------------------


def bars(comparison: Comparison, lang: str = "en", indicator: str | None = None) -> Chart:
    """Values of the variants against each target that flows can judge, one panel a target, in its unit.

    Without such a target, or for an ``indicator`` that none is about, the indicators themselves.

    Raises
    ------
    InputError : an indicator that was not compared
    """
    by_target: dict[str, list[Verdict]] = {}
    for verdict in comparison.verdicts:
        if indicator in (None, verdict.indicator):
            by_target.setdefault(verdict.target["id"], []).append(verdict)
    judged = [each for each in by_target.values() if any(one.passed is not None for one in each)]
    panels = [_target_panel(comparison, verdicts, lang) for verdicts in judged]
    if not panels:
        chosen = range(len(comparison.values[0])) if indicator is None else [_place(comparison, indicator)]
        panels = [_indicator_panel(comparison, at, lang) for at in chosen]
    title = heading(comparison.results[0].system.about, lang)
    if judged:
        title += f" · {say('targets', lang)}: {comparison.target_set}"
    height = 1.0 + 0.34 * len(comparison.names)
    return Chart(title, tuple(panels), lang, min(2, len(panels)), height)


def _place(comparison: Comparison, indicator: str) -> int:
    ids = [value.indicator.id for value in comparison.values[0]]
    if indicator not in ids:
        hint = nearest(indicator, ids) or f"Compared: {', '.join(ids)}."
        raise InputError(Problem(f"there is no compared indicator `{indicator}`.", hint=hint))
    return ids.index(indicator)


def _target_panel(comparison: Comparison, verdicts: list[Verdict], lang: str) -> Panel:
    target, wanted = verdicts[0].target, float(verdicts[0].target["value"])
    is_change = target["sense"] == "change"
    factor, unit = handy([wanted], target["unit"], lang)
    sense = {">=": "≥", "<=": "≤", "change": say("change", lang)}[target["sense"]]
    text = change_text(wanted) if is_change else f"{wanted:,g}"
    title = f"{target['id']}  {target[lang]}  ({sense}\u00a0{text}\u00a0{unit_text(target['unit'], lang)})"
    values = np.array([one.value for one in verdicts]) / factor
    passed = [one.passed for one in verdicts]
    return _value_panel(comparison, title, unit, values, passed, wanted / factor, lang)


def _indicator_panel(comparison: Comparison, at: int, lang: str) -> Panel:
    item = comparison.values[0][at].indicator
    values = [mine[at].value for mine in comparison.values]
    factor, unit = handy(values, item.unit, lang)
    title = item.zh if lang == "zh" else item.en
    return _value_panel(comparison, title, unit, np.array(values) / factor, [], None, lang)


def _value_panel(
    comparison: Comparison,
    title: str,
    unit: str,
    values: np.ndarray,
    passed: Sequence[bool | None],
    wanted: float | None,
    lang: str,
) -> Panel:
    """One bar a variant from the top down, its value beside it, and the target as a line."""
    place = -np.arange(len(values), dtype=float)
    known = np.nan_to_num(values)
    colours = [JUDGED[one][1] for one in passed] or [SERIES[0]] * len(values)
    labels = [label[lang] for label in comparison.labels]
    shown = [number(value) for value in values]
    hover = [f"{label}: {text} {unit}" for label, text in zip(labels, shown, strict=True)]
    marks: list[Mark] = [
        Boxes(np.minimum(known, 0), np.maximum(known, 0), place - 0.3, place + 0.3, colours, hover)
    ]
    for verdict, (word, colour, shape) in JUDGED.items():
        mine = [at for at, one in enumerate(passed) if one is verdict and np.isfinite(values[at])]
        if mine or (passed and verdict is not None):
            about = [f"{hover[at]}, {say(word, lang)}" for at in mine]
            marks.append(Points(say(word, lang), known[mine], place[mine], colour, shape, about))
    reach = [*known, 0.0] if wanted is None else [*known, 0.0, wanted]
    if wanted is not None:
        ends = [0.5, 0.5 - len(values)]
        marks.append(Line(say("target", lang), [wanted, wanted], ends, "#222222", "--"))
    marks.append(Texts(known, place, shown, ["left" if each < 0 else "right" for each in known]))
    return Panel(
        title,
        Axis(unit, limits=_room(min(reach), max(reach), 0.22)),
        Axis(ticks=(place, [_broken(label) for label in labels]), limits=(0.6 - len(values), 0.6)),
        tuple(marks),
    )


def _room(low: float, high: float, share: float) -> tuple[float, float]:
    """Limits with room for texts at the ends that are not zero."""
    span = (high - low) or 1.0
    return low - (share * span if low < 0 else 0.0), high + (share * span if high > 0 or low == high else 0.0)


def _broken(text: str, width: float = NAME_WIDTH) -> str:
    return "\n".join(wrap(text, width, 9))


def waterfall(comparison: Comparison, indicator: str, variant: str | None = None, lang: str = "en") -> Chart:
    """From the value of the first variant to that of another (else the last), flow by flow.

    The bars are the contributions of `flowsim.compare.explain`; they add up to the change exactly.

    Raises
    ------
    InputError : an indicator or variant that was not compared, one variant only, a value that is missing
        or that no sum over flows explains
    """
    at, position = _place(comparison, indicator), _variant_place(comparison, variant)
    first, last = comparison.values[0][at], comparison.values[position][at]
    parts = comparison.parts[position][at]
    if not np.isfinite(first.value) or not np.isfinite(last.value):
        raise InputError(Problem(f"`{indicator}` is missing: {first.reason or last.reason}"))
    if not parts and first.value != last.value:
        hint = "Choose one that is a sum of flows or a ratio of two, such as general.co2."
        raise InputError(Problem(f"the change of `{indicator}` cannot be split over flows.", hint=hint))
    factor, unit = handy([first.value, last.value], first.indicator.unit, lang)
    named = parts[:MOST_PARTS]
    steps = [part.contribution / factor for part in named]
    names = [part_name(part, named, lang) for part in named]
    if len(parts) > MOST_PARTS:
        steps.append(sum(part.contribution for part in parts[MOST_PARTS:]) / factor)
        names.append(f"{say('the rest', lang)} ({len(parts) - MOST_PARTS})")
    labels = [comparison.labels[0][lang], *names, comparison.labels[position][lang]]
    panel, is_cut = _steps_panel(first.value / factor, steps, last.value / factor, labels, unit, lang)
    item = first.indicator
    title = f"{item.zh if lang == 'zh' else item.en} · {labels[0]} → {labels[-1]}"
    notes = (say("The axis does not begin at zero.", lang),) if is_cut else ()
    return Chart(title, (panel,), lang, height=0.9 + 0.36 * len(labels), notes=notes)


def _variant_place(comparison: Comparison, variant: str | None) -> int:
    if len(comparison.names) < 2:
        raise InputError(Problem("a waterfall needs two variants.", hint="Name them: --variants a,b."))
    if variant is None:
        return len(comparison.names) - 1
    if variant not in comparison.names[1:]:
        hint = nearest(variant, comparison.names[1:]) or f"Compared: {', '.join(comparison.names[1:])}."
        raise InputError(Problem(f"there is no variant `{variant}` to explain.", hint=hint))
    return comparison.names.index(variant)


def _steps_panel(
    first: float, steps: Sequence[float], last: float, labels: Sequence[str], unit: str, lang: str
) -> tuple[Panel, bool]:
    """The panel, and whether its axis leaves out zero because the change is small beside the values."""
    level = first + np.cumsum([0.0, *steps])
    low, high = float(min(level.min(), last)), float(max(level.max(), last))
    is_cut = (high - low) < 0.3 * min(abs(low), abs(high)) and low * high > 0
    if is_cut:
        margin = 0.25 * ((high - low) or abs(high))
        origin = low - margin if low > 0 else high + margin
    else:
        origin, low, high = 0.0, min(low, 0.0), max(high, 0.0)
    start = np.concatenate([[origin], level[:-1], [origin]])
    end = np.concatenate([[first], level[1:], [last]])
    place = -np.arange(len(start), dtype=float)
    colours = [TOTAL, *(MORE if step > 0 else LESS for step in steps), TOTAL]
    shown = [number(first), *(change_text(step) for step in steps), number(last)]
    hover = [f"{label}: {text} {unit}" for label, text in zip(labels, shown, strict=True)]
    joints: list[Mark] = [
        Line("", [end[at], end[at]], [place[at], place[at + 1]], "#8c8c8c", ":") for at in range(len(end) - 1)
    ]
    sides = ["left" if after < before else "right" for before, after in zip(start, end, strict=True)]
    room = 0.16 * (high - low or 1.0)
    texts = [at - room if side == "left" else at + room for at, side in zip(end, sides, strict=True)]
    limits = float(min(low, origin, *texts)), float(max(high, origin, *texts))
    boxes = Boxes(np.minimum(start, end), np.maximum(start, end), place - 0.32, place + 0.32, colours, hover)
    ticks = (place, [_broken(label, 1.5 * NAME_WIDTH) for label in labels])
    return (
        Panel(
            "",
            Axis(unit, limits=limits),
            Axis(ticks=ticks, limits=(place[-1] - 0.6, 0.6)),
            (*joints, boxes, Texts(end, place, shown, sides)),
        ),
        is_cut,
    )


# --- what studies find: plain arrays in ----------------------------------------------------------------


def front(
    points: Sequence[Sequence[float]] | np.ndarray,
    x: Label,
    y: Label,
    *,
    names: Sequence[str] = (),
    others: Sequence[Sequence[float]] | np.ndarray = (),
    title: str = "",
    lang: str = "en",
) -> Chart:
    """A Pareto front: what one goal costs in terms of another.

    Parameters
    ----------
    points : shape (n, 2), the front, x and y in the canonical units of the labels
    x, y : ``{"en": ..., "zh": ..., "unit": ...}``
    names : one for each point of the front, written beside it; may be left out
    others : shape (m, 2), answers that the front is better than, such as the variants as they stand
    """
    known = np.asarray(points, dtype=float).reshape(-1, 2)
    worse = np.asarray(others, dtype=float).reshape(-1, 2)
    both = np.vstack([known, worse])
    scales = [handy(both[:, at].tolist(), label["unit"], lang) for at, label in enumerate((x, y))]
    (wide, x_unit), (high, y_unit) = scales
    known, worse = (each / [wide, high] for each in (known, worse))
    known_names = list(names) or [""] * len(known)
    order = np.lexsort((known[:, 1], known[:, 0]))
    known, labels = known[order], [known_names[at] for at in order]

    def hover(at: np.ndarray, label: str = "") -> str:
        where = f"{number(at[0])} {x_unit}, {number(at[1])} {y_unit}"
        return f"{label}: {where}" if label else where

    marks: list[Mark] = [Line("", known[:, 0], known[:, 1], SERIES[0], ":")]
    about = [hover(at, label) for at, label in zip(known, labels, strict=True)]
    marks.append(Points(say("Pareto front", lang), known[:, 0], known[:, 1], SERIES[0], "o", about))
    if len(worse):
        about = [hover(at) for at in worse]
        marks.append(Points(say("other answers", lang), worse[:, 0], worse[:, 1], OPEN, "x", about))
    if names:
        marks.append(Texts(known[:, 0], known[:, 1], labels, ["over"] * len(labels)))
    panel = Panel("", Axis(f"{x[lang]}, {x_unit}"), Axis(f"{y[lang]}, {y_unit}"), tuple(marks))
    return Chart(title, (panel,), lang, height=4.6)


AVOIDED = {"en": "CO2 avoided", "zh": "二氧化碳减排量", "unit": "t/a"}
COST = {"en": "cost per tonne avoided", "zh": "单位减排成本", "unit": "CNY/t"}
APART = 0.022
"""Numbers of measures stand at least this share of the width apart, so that they do not cover each other."""


def curve(
    steps: Sequence[tuple[str, float, float]],
    *,
    avoided: Label = AVOIDED,
    cost: Label = COST,
    title: str = "",
    lang: str = "en",
) -> Chart:
    """A marginal abatement curve: the width of a measure is what it avoids, its height what a tonne costs.

    Parameters
    ----------
    steps : name, amount avoided per year and cost of one unit avoided, each measure in canonical units; drawn
        from the cheapest on, equal costs in the order given. Negative costs are savings; a cost of zero is a
        thin line. A measure too narrow for its number stands in the legend only.

    Raises
    ------
    InputError : no measure, or one that avoids nothing
    """
    ordered = sorted(steps, key=lambda step: step[2])
    if not ordered or min(step[1] for step in ordered) <= 0:
        hint = "Leave out measures that add to what they should avoid."
        raise InputError(Problem("an abatement curve needs measures that avoid something.", hint=hint))
    ends = np.cumsum([step[1] for step in ordered])
    factor, unit = handy([float(ends[-1])], avoided["unit"], lang)
    price, price_unit = handy([step[2] for step in ordered], cost["unit"], lang)
    right, height = ends / factor, np.array([step[2] for step in ordered]) / price
    left = np.concatenate([[0.0], right[:-1]])
    low, high = _room(min(0.0, float(height.min())), max(0.0, float(height.max())), 0.12)
    marks: list[Mark] = []
    for at, (name, amount, _) in enumerate(ordered):
        said = number(height[at], 3).replace("-", "−")
        key = f"{at + 1}  {name} ({number(amount / factor, 3)} {unit}, {said} {price_unit})"
        colour = SERIES[at % len(SERIES)]
        thin = 0.004 * (high - low)
        edges = (height[at], 0.0) if abs(height[at]) > thin else (-thin, thin)
        bounds = ([left[at]], [right[at]], [min(edges)], [max(edges)])
        marks += [Boxes(*bounds, [colour], [key]), Points(key, [], [], colour, "s", [])]
    sides = ["over" if each >= 0 else "under" for each in height]
    middle, last, names = (left + right) / 2, -np.inf, list[str]()
    for at, place in enumerate(middle.tolist()):
        fits = place - last >= APART * right[-1]
        names.append(str(at + 1) if fits else "")
        last = place if fits else last
    marks.append(Texts(middle, height, names, sides))
    axes = Axis(f"{avoided[lang]}, {unit}"), Axis(f"{cost[lang]}, {price_unit}", limits=(low, high))
    return Chart(title, (Panel("", *axes, tuple(marks)),), lang, height=4.4)


def composite(
    hot: Any,
    cold: Any,
    grand: Any = None,
    *,
    pinch: float | None = None,
    unit: str = "kW",
    title: str = "",
    lang: str = "en",
) -> Chart:
    """Heat composite curves and, where given, the grand composite curve (Linnhoff and Flower, 1978).

    Parameters
    ----------
    hot, cold : shape (n, 2), heat flow in ``unit`` and temperature in °C; the cold curve already
        shifted right by the cold utility
    grand : shape (n, 2), net heat flow in ``unit`` and shifted temperature in °C
    pinch : shifted temperature of the pinch, °C
    """
    hot, cold = np.asarray(hot, dtype=float), np.asarray(cold, dtype=float)
    heat, degrees = f"{say('heat flow', lang)}, {unit}", f"{say('temperature', lang)}, °C"
    lines = (
        Line(say("hot streams", lang), hot[:, 0], hot[:, 1], SERIES[1], "-", "o"),
        Line(say("cold streams", lang), cold[:, 0], cold[:, 1], SERIES[0], "--", "s"),
    )
    panels = [Panel(say("composite curves", lang), Axis(heat), Axis(degrees), lines)]
    if grand is not None:
        net = np.asarray(grand, dtype=float)
        marks: list[Mark] = [Line(say("net heat flow", lang), net[:, 0], net[:, 1], SERIES[2], "-", "^")]
        if pinch is not None:
            ends = [0.0, float(net[:, 0].max())]
            name = f"{say('pinch', lang)}, {number(pinch)} °C"
            marks.append(Line(name, ends, [pinch, pinch], "#222222", ":"))
        shifted = f"{say('shifted temperature', lang)}, °C"
        name = say("grand composite curve", lang)
        panels.append(Panel(name, Axis(heat), Axis(shifted), tuple(marks)))
    return Chart(title, tuple(panels), lang, len(panels), 4.0)
