"""The chosen links as an ordinary variant, in the scenario's own language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flowsim.symbiosis.variant_file import extend, free_name

if TYPE_CHECKING:
    from flowsim.symbiosis.optimise import Optimum


def variant_name(optimum: Optimum) -> str:
    """Id of the variant: the objective, a number behind it where the scenario has one of that name."""
    plain = "best_" + re.sub(r"[^a-z0-9]+", "_", optimum.objective.name.lower()).strip("_")
    return free_name(optimum.case.scenario, plain)


def variant_text(optimum: Optimum) -> str:
    """The variant as YAML, two spaces in: what it opens, and limit, merit and minimum of each link."""
    scenario, links = optimum.case.scenario, optimum.chosen.tables["links"].set_index("id")
    flows = optimum.case.system.flows.set_index("id")
    units = optimum.case.system.goods.set_index("id")["unit"]
    names = [name for name, is_open in zip(optimum.case.links, optimum.opened, strict=True) if is_open]
    en, zh = f"Best links for {optimum.objective.en}", f"{optimum.objective.zh}最优链接"
    lines = [f"  {variant_name(optimum)}:", f'    name: {{en: "{en}", zh: "{zh}"}}']
    if scenario.variant:
        lines.append(f"    base: {scenario.variant}")
    lines.append(f"    open: [{', '.join(names)}]")
    lines += ["    links:"] if names else []
    for name in names:
        unit = f"{units[flows['good'][name]]}/a"
        row = links.loc[name]
        said = [f"limit: {float(row['limit']):.12g} {unit}", f"prefer: {row['prefer']:g}"]
        if np.isfinite(row["minimum"]):
            said.append(f"minimum: {float(row['minimum']):.12g} {unit}")
        lines.append(f"      {name}: {{{', '.join(said)}}}")
    return "\n".join(lines) + "\n"


def write(optimum: Optimum, path: str | Path) -> str:
    """Write the scenario with the variant added, beside the scenario; returns the name of the variant.

    Raises
    ------
    InputError : no file behind the scenario, another folder, or the scenario's own file
    """
    extend(optimum.case.scenario, path, variant_text(optimum))
    return variant_name(optimum)
