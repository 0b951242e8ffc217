"""The chosen links as an ordinary variant, in the scenario's own language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flowsim.symbiosis.variant_file import extend, free_name

if TYPE_CHECKING:
    from flowsim.symbiosis.optimise import Optimum

COLUMNS = ("limit", "prefer", "minimum")
"""What the variant states of the links that it opens."""


def variant_name(optimum: Optimum) -> str:
    """Id of the variant: the objective, a number behind it where the scenario has one of that name."""
    plain = "best_" + re.sub(r"[^a-z0-9]+", "_", optimum.objective.name.lower()).strip("_")
    return free_name(optimum.case.scenario, plain)


def variant_text(optimum: Optimum) -> str:
    """The variant as YAML, two spaces in: what it opens, and limit, merit and minimum of links and flows."""
    scenario, links = optimum.case.scenario, optimum.chosen.tables["links"].set_index("id")
    names = [name for name, is_open in zip(optimum.case.links, optimum.opened, strict=True) if is_open]
    en, zh = f"Best links for {optimum.objective.en}", f"{optimum.objective.zh}最优链接"
    lines = [f"  {variant_name(optimum)}:", f'    name: {{en: "{en}", zh: "{zh}"}}']
    if scenario.variant:
        lines.append(f"    base: {scenario.variant}")
    lines.append(f"    open: [{', '.join(names)}]")
    said = {name: {column: float(links.at[name, column]) for column in COLUMNS} for name in names}
    others = {name: dict(amounts) for name, amounts in optimum.balance.stated.items() if name not in said}
    for table in ("links", "flows"):
        mine = {name: row for name, row in others.items() if name in set(scenario.tables[table]["id"])}
        mine = {**said, **mine} if table == "links" else mine
        lines += [f"    {table}:"] if mine else []
        lines += [f"      {name}: {{{_row(optimum, name, row)}}}" for name, row in mine.items()]
    return "\n".join(lines) + "\n"


def _row(optimum: Optimum, name: str, said: Mapping[str, float]) -> str:
    """What is stated of a link or flow; an amount that is not a number is not stated."""
    flows, goods = optimum.case.system.flows, optimum.case.system.goods
    unit = goods["unit"].iloc[int(flows["good_at"][flows["id"] == name].iloc[0])]
    shown = {
        column: f"{value:g}" if column == "prefer" else f"{value:.12g} {unit}/a"
        for column, value in said.items()
        if np.isfinite(value)
    }
    return ", ".join(f"{column}: {text}" for column, text in shown.items())


def write(optimum: Optimum, path: str | Path) -> str:
    """Write the scenario with the variant added, beside the scenario; returns the name of the variant.

    Raises
    ------
    InputError : no file behind the scenario, another folder, or the scenario's own file
    """
    extend(optimum.case.scenario, path, variant_text(optimum))
    return variant_name(optimum)
