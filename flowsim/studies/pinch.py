"""Water networks and heat cascades of a scenario: its tables, and flows of its balance where they name some.

What a scenario writes under `waters:`, `water_quality:` and `heats:` becomes the plain tables of
`water_network` and `heat_cascade`. A stream or place may take its amount from a flow of the balanced
scenario (``amount_of``), so that it moves with the variant.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.result import FORMAT, finite, records
from flowsim.studies.heat_cascade import HeatCascade, heat_cascade
from flowsim.studies.water_arcs import Places
from flowsim.studies.water_network import WaterNetwork, water_network

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.result import Result
    from flowsim.scenario import Scenario


def water(
    scenario: Scenario,
    result: Result | None = None,
    *,
    recycle: bool = True,
    seed: int = 0,
    time_limit: float = 20.0,
) -> WaterNetwork:
    """The water network of a scenario that needs the least fresh water; flows in m3/a, contents in t/m3.

    Parameters
    ----------
    result : the balanced scenario, where places take their flow from it
    recycle : whether treated water may return to where it was used before
    seed, time_limit : of `flowsim.studies.water_network.water_network`

    Raises
    ------
    InputError : no places, or a flow is wanted of a result that is not given or does not have it
    Infeasible : some place cannot be served, or its water has no place to go
    """
    return water_network(places(scenario, result, recycle), seed=seed, time_limit=time_limit)


def heat(scenario: Scenario, result: Result | None = None, *, dtmin: float = 10.0) -> HeatCascade:
    """The heat cascade of a scenario; heat in GJ/a, temperatures in °C.

    Parameters
    ----------
    result : the balanced scenario, where streams take their heat from it
    dtmin : the smallest temperature difference between what gives and what takes heat, K

    Raises
    ------
    InputError : no streams, or a flow is wanted of a result that is not given or does not have it
    Infeasible : the utilities, or the matches that are allowed, cannot serve some stream
    """
    heats = scenario.tables["heats"]
    _there(scenario, "heats")
    utility = heats["kind"].isin(("hot_utility", "cold_utility"))
    streams = heats[["id", "supply", "shift", "cost", "forbid"]].assign(
        hot=heats["kind"].isin(("hot", "hot_utility")),
        target=heats["target"].fillna(heats["supply"]),
        duty=_amounts(heats, "duty", "energy", result),
        zone=_zones(heats, scenario),
    )
    _check_forbidden_sides(streams, heats)
    return heat_cascade(streams[~utility], streams[utility], dtmin=dtmin)


def needs_result(scenario: Scenario, table: str) -> bool:
    """Whether some row of ``waters`` or ``heats`` takes its amount from the balanced scenario."""
    return bool((scenario.tables[table]["amount_of"] != "").any())


def places(scenario: Scenario, result: Result | None = None, recycle: bool = True) -> Places:
    """The places of a scenario's water network as plain arrays.

    A substance that nothing is said of is not there in fresh water and sources, passes treatments, and may
    be taken in any concentration. A use without a load gets it from its limiting flow.
    """
    waters, quality = scenario.tables["waters"], scenario.tables["water_quality"]
    _there(scenario, "waters")
    substances = sorted(set(quality["substance"])) or ["water"]
    position = {name: at for at, name in enumerate(waters["id"])}
    grid = {
        name: np.full((len(waters), len(substances)), np.nan)
        for name in ("inlet", "outlet", "load", "removal")
    }
    row = quality["water"].map(position).to_numpy(dtype=np.int64)
    column = (
        quality["substance"].map({name: at for at, name in enumerate(substances)}).to_numpy(dtype=np.int64)
    )
    for name, values in grid.items():
        values[row, column] = quality[name].to_numpy()
    kind = waters["kind"].to_numpy()
    given = np.isin(kind, ("fresh", "source"))
    grid["outlet"][given] = np.nan_to_num(grid["outlet"][given])
    flow = _amounts(waters, "flow", "water", result)
    use = kind == "use"
    limiting = use[:, None] & np.isnan(grid["load"])
    added = flow[:, None] * (grid["outlet"] - grid["inlet"])
    grid["load"] = np.where(limiting, np.nan_to_num(added), grid["load"])
    flow = np.where(use & limiting.any(axis=1), np.nan, flow)
    return Places(
        id=tuple(waters["id"]),
        kind=tuple(kind),
        substances=tuple(substances),
        flow=flow,
        zone=tuple(_zones(waters, scenario)),
        forbid=tuple((at, position[other]) for at, names in enumerate(waters["forbid"]) for other in names),
        recycle=recycle,
        **grid,
    )


def network_json(scenario: Scenario, made: WaterNetwork) -> dict[str, Any]:
    """A water network in the documented layout (docs/json.md)."""
    data = _json(scenario, "water_network", made)
    substances = [name.removeprefix("in_") for name in made.places.columns if name.startswith("in_")]
    for flow in data["flows"]:
        flow["contents"] = {name: flow.pop(name) for name in substances}
    for place in data["places"]:
        for side in ("in", "out"):
            place[side] = {name: place.pop(f"{side}_{name}") for name in substances}
    return data


def cascade_json(scenario: Scenario, made: HeatCascade) -> dict[str, Any]:
    """A heat cascade in the documented layout (docs/json.md)."""
    return _json(scenario, "heat_cascade", made)


def _json(scenario: Scenario, kind: str, made: WaterNetwork | HeatCascade) -> dict[str, Any]:
    """Every field of an answer: numbers or null, tables as lists of rows."""
    data: dict[str, Any] = {
        "flowsim_json": FORMAT,
        "kind": kind,
        "name": dict(scenario.name),
        "variant": scenario.variant,
    }
    for name in (each.name for each in fields(made)):
        value = getattr(made, name)
        if isinstance(value, float | int):
            data[name] = finite(value)
        else:
            data[name] = list(value) if isinstance(value, tuple) else records(value)
    return data


def _there(scenario: Scenario, table: str) -> None:
    if scenario.tables[table].empty:
        hint = f"State them under `{table}:`; docs/pinch.md shows how."
        raise InputError(Problem(f"the scenario has no `{table}`.", scenario.file, hint=hint))


def _amounts(frame: pd.DataFrame, column: str, layer: str, result: Result | None) -> np.ndarray:
    """The stated amounts, and those of the flows that rows name."""
    values = frame[column].to_numpy(dtype=float, copy=True)
    for at, name in enumerate(frame["amount_of"]):
        if not name:
            continue
        file, line = str(frame["file"].iat[at]), int(frame["line"].iat[at])
        if result is None:
            message = f"`amount_of: {name}` needs the balanced scenario."
            raise InputError(Problem(message, file, line, "Give its result, or state the amount."))
        flows = result.system.flows
        mine = ((flows["id"] == name) | (flows["good"] == name)).to_numpy()
        amounts = result.layer(layer)[mine]
        if not mine.any() or not np.isfinite(amounts).all() or not amounts.any():
            what = "energy" if layer == "energy" else "water"
            message = f"no {what} flows in `{name}` in this variant."
            raise InputError(Problem(message, file, line, "Name another flow, or state the amount."))
        values[at] = amounts.sum()
    return values


def _zones(frame: pd.DataFrame, scenario: Scenario) -> list[str]:
    """The firm of each row's process, else its site, else its own id: who would have to deal with whom."""
    processes = scenario.tables["processes"]
    zone = dict(
        zip(
            processes["id"],
            np.where(processes["firm"] != "", processes["firm"], processes["site"]),
            strict=True,
        )
    )
    return [str(zone.get(at, "")) or str(at) for at in frame["at"]]


def _check_forbidden_sides(streams: pd.DataFrame, heats: pd.DataFrame) -> None:
    """A forbidden match has a hot and a cold side."""
    hot = dict(zip(streams["id"], streams["hot"], strict=True))
    for at, names in enumerate(streams["forbid"]):
        for other in names:
            if hot[other] == streams["hot"].iat[at]:
                file, line = str(heats["file"].iat[at]), int(heats["line"].iat[at])
                message = (
                    f"`forbid`: `{streams['id'].iat[at]}` and `{other}` never meet: both are on one side."
                )
                raise InputError(Problem(message, file, line, "Name one that gives and one that takes heat."))
