"""`curve`: links in the order of what a tonne avoided costs, a marginal abatement curve.

Each link is first opened alone in the system without any of them, which gives the order: the cheapest tonne
first. Then the links are opened one after the other in that order and kept open, and what each adds is its
step. So the steps add up to what all links together do; a link that needs another shows its worth once that
one is open, and the cost of a step need not rise from one to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flowsim.assemble import assemble
from flowsim.errors import FlowsimError, InputError, Problem
from flowsim.indicators.ledger import SAVED, known_links, with_open
from flowsim.indicators.registry import evaluate, get
from flowsim.progress import track
from flowsim.studies import balance
from flowsim.symbiosis.money import gain

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.result import Result
    from flowsim.scenario import Scenario
    from flowsim.studies import Study

PER = {"waste": "waste", "water": "water", "co2": "co2", "virgin": "virgin_material"}
"""What a curve can count the tonnes of → the saving of the ledger that is meant."""

NOTHING = 1e-9
"""A change below this share of the whole indicator is rounding."""


@dataclass(frozen=True)
class Step:
    """One link of a curve.

    Attributes
    ----------
    amount, unit : what arrives over the link when it is opened in its turn
    avoided : what its step avoids, in the unit of the indicator
    cost : CNY/a of its step: margin lost, cost, freight and fixed cost; negative where it earns
    per_unit : cost per unit avoided; NaN where nothing is avoided or a price is missing
    alone : avoided when it is the only one open
    cumulative : avoided by this and all steps before it
    reason, reason_zh : why a number is missing, or nothing
    """

    link: str
    en: str
    zh: str
    amount: float
    unit: str
    avoided: float
    cost: float
    per_unit: float
    alone: float
    cumulative: float
    reason: str = ""
    reason_zh: str = ""


@dataclass(frozen=True)
class Curve:
    """The answer of `curve`: the steps in their order, what is avoided, and the system without the links."""

    base: Result
    steps: tuple[Step, ...]
    per: str
    boundary: str

    @property
    def indicator(self) -> str:
        """Id of the indicator whose fall is counted."""
        return SAVED[PER[self.per]][0]

    @property
    def unit(self) -> str:
        """Unit of what is avoided."""
        return get(self.indicator).unit

    @property
    def table(self) -> pd.DataFrame:
        """One row a step, in order."""
        import pandas as pd

        return pd.DataFrame([vars(step) for step in self.steps], columns=list(Step.__dataclass_fields__))


def curve(
    scenario: Scenario,
    per: str = "waste",
    *,
    links: Sequence[str] | None = None,
    boundary: str = "park",
    study: Study = "auto",
) -> Curve:
    """Links, open or not, in the order of their cost per tonne of waste, water, CO2 or virgin input avoided.

    Parameters
    ----------
    per : one of `PER`
    links : the links that are put in order; the others stay as they are. Without it all of them

    Raises
    ------
    InputError : an unknown ``per`` or link, a scenario without links, or no answer without them
    """
    if per not in PER:
        raise InputError(Problem(f"nothing is counted per `{per}`.", hint=f"Known: {', '.join(PER)}."))
    table = scenario.tables["links"]
    known_links(scenario, links or ())
    names = list(dict.fromkeys(links if links is not None else table["id"]))
    if not names:
        raise InputError(
            Problem("the scenario has no links.", scenario.file, hint="`flowsim match` finds some.")
        )
    kept = set(table["id"][table["open"].to_numpy(dtype=bool)]) - set(names)
    walk = _Walk(scenario, per, boundary, study, kept)
    alone = {name: walk.opened([name]) for name in track(names, "each link alone")}
    order = sorted(names, key=lambda name: (*_rank(walk, alone[name]), names.index(name)))
    steps, opened, last = list[Step](), list[str](), walk.base
    for name in track(order, "one link after the other"):
        found = walk.opened([*opened, name]) if opened else alone[name]
        if isinstance(found, str):
            steps.append(walk.failed(name, found, steps))
            continue
        steps.append(walk.step(name, last, found, alone[name], steps))
        opened.append(name)
        last = found
    return Curve(walk.base, tuple(steps), per, boundary)


class _Walk:
    """Balances the scenario with some of the links open, and reads what has changed."""

    def __init__(self, scenario: Scenario, per: str, boundary: str, study: Study, kept: set[str]):
        self.scenario, self.boundary, self.study, self.kept = scenario, boundary, study, kept
        self.indicator = SAVED[PER[per]][0]
        base = self.opened([])
        if isinstance(base, str):
            message = f"without its links the scenario has no answer: {base}"
            hint = "Name the links to put in order with `--links`; the others stay as they are."
            raise InputError(Problem(message, scenario.file, hint=hint))
        self.base = base

    def opened(self, names: Sequence[str]) -> Result | str:
        """The balanced scenario with these links open, or why it has no answer."""
        try:
            return balance(assemble(with_open(self.scenario, self.kept | set(names))), study=self.study)
        except FlowsimError as error:
            return error.problems[0].message

    def avoided(self, before: Result, after: Result) -> tuple[float, str, str]:
        """Fall of the indicator, and why it is missing."""
        first, second = (evaluate(result, self.indicator, self.boundary)[0] for result in (before, after))
        lacking = first if first.reason else second
        fall = first.value - second.value
        fall = 0.0 if abs(fall) <= NOTHING * max(abs(first.value), 1.0) else fall
        return fall, lacking.reason, lacking.reason_zh

    def step(
        self, name: str, before: Result, after: Result, alone: Result | str, steps: Sequence[Step]
    ) -> Step:
        """What a link adds to those that are open."""
        avoided, reason, reason_zh = self.avoided(before, after)
        earned, lacking = gain(before, after, self.boundary)
        if lacking and not reason:
            reason = f"no price for {', '.join(lacking)}"
            reason_zh = f"缺少价格：{'、'.join(lacking)}"
        alone_value = self.avoided(self.base, alone)[0] if not isinstance(alone, str) else float("nan")
        if not reason and avoided == 0:
            reason, reason_zh = "avoids nothing once those before it are open", "前序链接开通后不再减少"
        elif avoided < 0:
            reason, reason_zh = "adds to what should be avoided", "反而增加"
        cost = 0.0 if earned == 0 else -earned
        per_unit = cost / avoided if avoided > 0 else float("nan")
        en, zh = self._names(name)
        moved, unit = self._moved(name, after)
        total = (steps[-1].cumulative if steps else 0.0) + avoided
        return Step(name, en, zh, moved, unit, avoided, cost, per_unit, alone_value, total, reason, reason_zh)

    def failed(self, name: str, why: str, steps: Sequence[Step]) -> Step:
        """A link with which the system has no answer; it stays closed."""
        nan, total = float("nan"), steps[-1].cumulative if steps else 0.0
        en, zh = self._names(name)
        return Step(name, en, zh, nan, "", nan, nan, nan, nan, total, f"no answer: {why}", f"无解：{why}")

    def _names(self, name: str) -> tuple[str, str]:
        row = self.scenario.tables["links"].set_index("id").loc[name]
        return str(row["en"] or name), str(row["zh"] or name)

    def _moved(self, name: str, result: Result) -> tuple[float, str]:
        """What arrives over a link; 0 where its earliest year has not come."""
        flows = result.system.flows
        at = np.flatnonzero((flows["id"] == name).to_numpy() & (flows["how"] == "link").to_numpy())
        good = self.scenario.tables["links"].set_index("id").loc[name, "good"]
        goods = self.scenario.tables["goods"].set_index("id")
        from flowsim.schema import GOOD_KINDS

        unit = f"{GOOD_KINDS[str(goods.loc[good, 'kind'])]}/a"
        return (float(result.amounts[at[0]]) if len(at) else 0.0), unit


def _rank(walk: _Walk, alone: Result | str) -> tuple[int, float]:
    """Cheapest first; then what has no price, what alone avoids nothing, what has no answer."""
    if isinstance(alone, str):
        return 3, 0.0
    avoided, _, _ = walk.avoided(walk.base, alone)
    earned, _ = gain(walk.base, alone, walk.boundary)
    if not avoided > 0:
        return 2, 0.0
    return (1, 0.0) if np.isnan(earned) else (0, -earned / avoided)
