"""The symbiosis ledger: what each open link saves against the same scenario without it.

Each link is closed alone, the scenario is assembled and balanced again, and both results are compared. The
savings of links that depend on each other do not add up, so the ledger also has all links closed at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import FlowsimError, InputError, Problem
from flowsim.indicators.registry import Value, evaluate
from flowsim.progress import track
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.result import Result
    from flowsim.scenario import Scenario
    from flowsim.studies import Study

SAVED = {
    "virgin_material": ("general.virgin_input", "virgin material saved", "节约原生物料", -1.0),
    "waste": (
        "general.solid_waste_landfilled",
        "waste kept from landfill and disposal",
        "减少填埋处置废物",
        -1.0,
    ),
    "water": ("cn.fresh_water_intake", "fresh water saved", "节约新水", -1.0),
    "energy": ("cn.comprehensive_energy", "energy saved, calorific", "节能量（当量值）", -1.0),
    "co2": ("general.co2", "CO2 saved", "减少二氧化碳排放", -1.0),
    "money": (
        "general.value_added",
        "value added gained, less the cost of the link",
        "增加值增量（扣除链接成本）",
        1.0,
    ),
}
"""What a link saves: the indicator that changes, English and Chinese name, and the sense of a saving."""

ALL = "all"
"""The row of the ledger with every link closed."""


@dataclass(frozen=True)
class Entry:
    """One link of the ledger.

    Attributes
    ----------
    amount, unit : what flows over the link; NaN for all links together
    saved : one number for each key of `SAVED`, in the unit of its indicator; NaN where it is missing
    without : values of the chosen indicators without the link
    reason : why the scenario without the link has no answer, or nothing
    """

    link: str
    en: str
    zh: str
    amount: float
    unit: str
    saved: Mapping[str, float]
    without: tuple[Value, ...]
    reason: str = ""


@dataclass(frozen=True)
class Ledger:
    """The answer of `ledger`: the chosen indicators with all open links, and an entry for each link."""

    result: Result
    values: tuple[Value, ...]
    entries: tuple[Entry, ...]
    boundary: str

    @property
    def table(self) -> pd.DataFrame:
        """One row a link: id, en, zh, amount, unit, what it saves, its marginal part in each indicator,
        reason.
        """
        import pandas as pd

        rows = []
        for entry in self.entries:
            row: dict[str, Any] = {
                "link": entry.link,
                "en": entry.en,
                "zh": entry.zh,
                "amount": entry.amount,
                "unit": entry.unit,
            }
            row |= dict(entry.saved) | self.marginal(entry) | {"reason": entry.reason}
            rows.append(row)
        columns = [
            "link",
            "en",
            "zh",
            "amount",
            "unit",
            *SAVED,
            *(value.indicator.id for value in self.values),
            "reason",
        ]
        return pd.DataFrame(rows, columns=columns)

    def marginal(self, entry: Entry) -> dict[str, float]:
        """What the link adds to each chosen indicator: the value with it less the value without it."""
        found = {value.indicator.id: value.value for value in entry.without}
        nan = float("nan")
        return {value.indicator.id: value.value - found.get(value.indicator.id, nan) for value in self.values}


def ledger(
    scenario: Scenario,
    names: str | Sequence[str] = "first",
    boundary: str = "park",
    *,
    study: Study = "auto",
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> Ledger:
    """What each open link of a scenario saves, and what it adds to indicators.

    Parameters
    ----------
    names : the indicators whose marginal part is wanted: a set, an id or a list of both
    inputs, sets : figures that no flow carries, and sets of factors, as in `evaluate`

    Raises
    ------
    InputError : an unknown indicator or boundary
    Undetermined, Contradiction, Infeasible : the scenario itself has no answer
    """
    result = _answer(scenario, study)
    chosen = tuple(evaluate(result, names, boundary, inputs=inputs, sets=sets))
    with_all = saved_values(result, boundary, sets)
    links = scenario.tables["links"]
    opened = links[links["open"].to_numpy(dtype=bool)]
    entries = []
    groups = [[name] for name in opened["id"]] + ([list(opened["id"])] if len(opened) > 1 else [])
    for group in track(groups, "links"):
        en, zh, amount, unit = _labels(result, opened, group)
        try:
            other = _answer(close(scenario, *group), study)
        except FlowsimError as error:
            saved = dict.fromkeys(SAVED, float("nan"))
            entries.append(
                Entry(group[0] if len(group) == 1 else ALL, en, zh, amount, unit, saved, (), str(error))
            )
            continue
        saved = {
            key: SAVED[key][3] * (with_all[key] - value)
            for key, value in saved_values(other, boundary, sets).items()
        }
        saved["money"] -= float(result.moving_costs.sum() - other.moving_costs.sum())
        without = tuple(evaluate(other, names, boundary, inputs=inputs, sets=sets))
        entries.append(Entry(group[0] if len(group) == 1 else ALL, en, zh, amount, unit, saved, without))
    return Ledger(result, chosen, tuple(entries), boundary)


def _answer(scenario: Scenario, study: Study) -> Result:
    from flowsim.assemble import assemble
    from flowsim.studies import balance

    return balance(assemble(scenario), study=study)


def close(scenario: Scenario, *links: str) -> Scenario:
    """The same scenario with these links closed.

    Raises
    ------
    InputError : a link that the scenario does not have
    """
    table = scenario.tables["links"]
    known_links(scenario, links)
    return with_open(scenario, set(table["id"][table["open"].to_numpy(dtype=bool)]) - set(links))


def known_links(scenario: Scenario, names: Sequence[str]) -> None:
    """Raise `InputError` at the first name that is no link of the scenario."""
    known = list(scenario.tables["links"]["id"])
    for name in names:
        if name not in known:
            hint = nearest(name, known) or f"Links: {', '.join(known) or 'none'}."
            raise InputError(Problem(f"there is no link `{name}`.", scenario.file, hint=hint))


def with_open(scenario: Scenario, links: Collection[str]) -> Scenario:
    """The same scenario with these links open and all others closed."""
    table = scenario.tables["links"]
    table = table.assign(open=table["id"].isin(list(links)).to_numpy())
    return replace(scenario, tables={**scenario.tables, "links": table})


def saved_values(
    result: Result, boundary: str = "park", sets: Mapping[str, str] | None = None
) -> dict[str, float]:
    """The indicators of `SAVED` in a result, NaN where one is missing."""
    values = evaluate(result, [name for name, *_ in SAVED.values()], boundary, sets=sets)
    return {key: value.value for key, value in zip(SAVED, values, strict=True)}


def _labels(result: Result, links: pd.DataFrame, group: list[str]) -> tuple[str, str, float, str]:
    """English and Chinese name, amount and unit of a link, or of all of them."""
    rows = links[links["id"].isin(group)].set_index("id")
    flows = result.system.flows.set_index("id")
    at = flows.index.get_indexer(rows.index)
    amounts = np.where(at >= 0, result.amounts[at], 0.0)
    if len(group) > 1:
        return "all open links together", "全部已开通链接", float("nan"), ""
    row = rows.iloc[0]
    unit = result.system.goods.set_index("id").loc[row["good"], "unit"]
    return str(row["en"] or group[0]), str(row["zh"] or group[0]), float(amounts[0]), f"{unit}/a"


def avoided(
    amount: float,
    *,
    replaced: float,
    virgin_factor: float = 0.0,
    disposal_factor: float = 0.0,
    treatment_energy: float = 0.0,
    energy_factor: float = 0.0,
    distance: float = 0.0,
    transport_factor: float = 0.0,
    residue: float = 0.0,
) -> dict[str, float]:
    """What an exchange avoids, by factors: virgin material, disposal and net CO2, each per year.

    Parameters
    ----------
    amount : t/a exchanged
    replaced : t of virgin material that one t stands in for, limited by quality
    virgin_factor, disposal_factor : t CO2 per t of virgin material and of waste disposed of
    treatment_energy, energy_factor : energy per t, and t CO2 per unit of that energy
    distance, transport_factor : km, and t CO2 per t km
    residue : share of the exchanged amount that is disposed of all the same

    A negative net saving is a result. The base case must say what happened before.
    """
    virgin = amount * replaced
    spent = amount * treatment_energy * energy_factor + amount * distance * transport_factor
    net = virgin * virgin_factor + amount * disposal_factor - spent
    return {"virgin_material": virgin, "disposal": amount * (1 - residue), "co2": net}


def symbiosis_indicator(used: Sequence[tuple[float, float]], left: Sequence[tuple[float, float]]) -> float:
    """Industrial symbiosis indicator, Felicio et al. 2016, from memory: Σ used / (1 + Σ left), each t ×
    degree.

    ``used`` and ``left`` are pairs of t/a and degree of by-products used inside and leaving. Only for
    one park over time, and in tonnes: the 1 makes it depend on the unit.
    """
    into, out = (sum(amount * degree for amount, degree in side) for side in (used, left))
    return into / (1 + out)
