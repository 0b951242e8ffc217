"""What a reconciliation did to the data, as a `Chart` value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flowsim.uncertainty import NORMAL_95
from flowsim.views.chart import Axis, Boxes, Chart, Line, Mark, Panel, Texts
from flowsim.views.colours import BAD, TOTAL
from flowsim.views.text import number
from flowsim.words import say

if TYPE_CHECKING:
    from flowsim.studies.reconciliation import Reconciliation

MOST_SHOWN = 20


def changes(answer: Reconciliation, lang: str = "en") -> Chart:
    """The largest changes of data in their standard uncertainties, suspects in another colour.

    Dotted lines stand where 95 % of the errors of a single measurement would lie.
    """
    moved = answer.data[answer.data["change"].abs() > 0]
    table = moved.loc[moved["change"].abs().sort_values(ascending=False, kind="stable").index[:MOST_SHOWN]]
    change, names = table["change"].to_numpy(dtype=float), table["id"].tolist()
    place = -np.arange(len(change), dtype=float)
    shown = [number(value, 3).replace("-", "−") for value in change]
    hover = [f"{name}: {text}" for name, text in zip(names, shown, strict=True)]
    colours = [BAD if suspect else TOTAL for suspect in table["suspect"]]
    far = 1.25 * max(float(np.abs(change).max(initial=0.0)), NORMAL_95)
    ends = (0.6, -len(change) + 0.4)
    marks: list[Mark] = [Line("", [at, at], ends, "#8c8c8c", ":") for at in (-NORMAL_95, NORMAL_95)]
    marks.append(
        Boxes(np.minimum(change, 0), np.maximum(change, 0), place - 0.32, place + 0.32, colours, hover)
    )
    marks.append(Texts(change, place, shown, ["left" if value < 0 else "right" for value in change]))
    panel = Panel(
        "",
        Axis(say("change in standard uncertainties (orange: suspect)", lang), limits=(-far, far)),
        Axis(ticks=(place, names), limits=(ends[1], ends[0])),
        tuple(marks),
    )
    return Chart(say("largest changes of the data", lang), (panel,), lang, height=1.2 + 0.22 * len(change))
