"""The chosen links as an ordinary variant, in the scenario's own language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.files import write_text

if TYPE_CHECKING:
    from flowsim.symbiosis.optimise import Optimum


def variant_name(optimum: Optimum) -> str:
    """Id of the variant: the objective, a number behind it where the scenario has one of that name."""
    plain = "best_" + re.sub(r"[^a-z0-9]+", "_", optimum.objective.name.lower()).strip("_")
    taken, name, count = optimum.case.scenario.variant_names, plain, 1
    while name in taken:
        count += 1
        name = f"{plain}_{count}"
    return name


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
        said = [f"limit: {row['limit']!r} {unit}".replace("np.float64(", "").replace(")", "")]
        said.append(f"prefer: {row['prefer']:g}")
        if np.isfinite(row["minimum"]):
            said.append(f"minimum: {float(row['minimum'])!r} {unit}")
        lines.append(f"      {name}: {{{', '.join(said)}}}")
    return "\n".join(lines) + "\n"


def write(optimum: Optimum, path: str | Path) -> str:
    """Write the scenario with the variant added, beside the scenario; returns the name of the variant.

    Raises
    ------
    InputError : no file behind the scenario, another folder, or the scenario's own file
    """
    source, path = Path(optimum.case.scenario.file), Path(path)
    if not optimum.case.scenario.file:
        raise InputError(Problem("this scenario was made from tables, so no file can be extended."))
    if path.resolve() == source.resolve():
        raise InputError(Problem("this is the scenario itself.", str(path), hint="Name another file."))
    if path.resolve().parent != source.resolve().parent:
        hint = f"Write it into {source.parent}, so that its library and tables are found."
        raise InputError(Problem("the folder is not that of the scenario.", str(path), hint=hint))
    text = source.read_text(encoding="utf-8-sig")
    found = re.search(r"^variants:[ \t]*(#.*)?$", text, flags=re.MULTILINE)
    if found:
        head, tail = text[: found.end()], text[found.end() :]
        made = f"{head}\n{variant_text(optimum).rstrip()}{tail}"
    elif re.search(r"^variants:", text, flags=re.MULTILINE):
        hint = "Write its variants one to a line below `variants:`."
        raise InputError(
            Problem("`variants:` stands on one line, so none can be added.", str(source), hint=hint)
        )
    else:
        made = f"{text.rstrip()}\n\nvariants:\n{variant_text(optimum)}"
    write_text(path, made)
    return variant_name(optimum)
