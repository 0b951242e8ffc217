"""Write the tables of docs/chains.md and its pictures from the shipped scenarios, in English and Chinese."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pandas as pd

import flowsim as fs
from flowsim.files import write_text
from flowsim.result import Result
from flowsim.views.text import number

HERE = Path(__file__).parent
PAGE = HERE / "chains.md"
PARK = "qinzhou_park"
CHAINS = ("oil_fibre", "nickel_loop", "forest_pulp_paper", "construction_waste")

Solved = Callable[[str, str], Result]
"""Result of a variant of a shipped scenario."""

BLOCK = re.compile(r"(<!-- table (\w+) (en|zh) -->\n\n).*?(\n<!-- end -->)", re.DOTALL)
"""A place of the page for a table: that of the processes of a scenario, ``results`` or ``links``."""

SHOWN = {
    "cn.main_resource_productivity": (1.0, "", ""),
    "cn.isw_utilisation_rate": (1.0, "", ""),
    "cn.industrial_water_reuse_rate": (1.0, "", ""),
    "cn.industrial_water_intensity": (1.0, "", ""),
    "cn.energy_intensity": (1.0, "", ""),
    "cn.energy_intensity_no_feedstock": (1.0, "", ""),
    "cn.assessed_energy_intensity": (1.0, "", ""),
    "general.recycled_input_rate": (1.0, "", ""),
    "general.value_added": (1e9, "billion CNY/a", "十亿元/年"),
    "general.co2": (1e6, "Mt/a", "百万吨/年"),
}
"""Indicator of the park → what it is divided by, and the unit of that where it is not its own."""

UNITS = {"t": (1e3, "kt/a"), "m3": (1e6, "Mm3/a"), "power": (3600.0, "GWh/a"), "heat": (1e6, "PJ/a")}
"""Unit of a good, or class of an energy → what an amount is divided by, and its unit here."""

HEADS = {
    "en": {
        "processes": ("process", "item of the plan", "capacity", "load or activity", "basis"),
        "links": ("link", "from", "to", "limit or source"),
        "results": ("indicator",),
        "basis": ("plan", "assumption"),
        "free": ("the partner decides",),
    },
    "zh": {
        "processes": ("装置", "规划项目", "能力", "负荷或产量", "依据"),
        "links": ("链接", "供方", "用户", "限制或来源"),
        "results": ("指标",),
        "basis": ("规划", "假设"),
        "free": ("由对方决定",),
    },
}

NOT_DRAWN = (
    "wastewater,emission,air,fresh_water,process_water,circulating_water,reclaimed_water,sea_water,vapour"
)
PICTURES = {
    "oil_fibre": "--variant as_planned",
    "nickel_loop": "--variant all",
    "forest_pulp_paper": "--variant as_planned",
    "construction_waste": "--variant all",
    PARK: "--variant symbiosis --group chain",
}
"""Scenario → what its picture shows."""


def page(text: str, solved: Solved) -> str:
    """The page with each of its tables written anew."""

    def block(found: re.Match[str]) -> str:
        name, lang = found.group(2), found.group(3)
        rows = {"results": results, "links": links}.get(name)
        made = rows(lang, solved) if rows else processes(name, lang, solved)
        return found.group(1) + made + found.group(4)

    return BLOCK.sub(block, text)


@cache
def _example(name: str) -> fs.Scenario:
    return fs.example(name)


def _plain(value: float) -> str:
    return f"{round(value, 4):,.10g}"


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _stated(name: str, solved: Solved) -> pd.DataFrame:
    """Processes with an item of the plan, a capacity, an activity or a load, each with its unit."""
    system = solved(name, next(iter(_example(name).variant_names))).system
    scenario = _example(name).tables["processes"]
    table = system.processes[system.processes["id"].isin(scenario["id"])]
    sized = table[["capacity", "activity", "load"]].notna().any(axis=1)
    table = table[(table["plan"] != "") | sized]
    goods = system.goods.set_index("id")
    units = [
        goods["class" if goods["unit"][good] == "GJ" else "unit"][good] if good else ""
        for good in table["good"]
    ]
    return table.assign(unit=units)


def processes(name: str, lang: str, solved: Solved) -> str:
    """What a scenario says of its plants; for the park, of those that stand in no chain of their own."""
    table = _stated(name, solved)
    if name == PARK:
        own = {id for chain in CHAINS for id in _example(chain).tables["processes"]["id"]}
        table = table[~table["id"].isin(own)]
    quality = _example(name).tables["processes"].set_index("id")["quality"]

    def rows() -> Iterator[tuple[str, ...]]:
        for row in table.to_dict("records"):
            size, unit = UNITS.get(row["unit"], (1.0, ""))
            amounts = {key: f"{_plain(row[key] / size)} {unit}" for key in ("capacity", "activity")}
            stated = {key: pd.notna(row[key]) for key in ("capacity", "activity", "load")}
            run = f"{_plain(100 * row['load'])} %" if stated["load"] else amounts["activity"]
            yield (
                f"{row[lang]} (`{row['id']}`)",
                row["plan"] or "–",
                amounts["capacity"] if stated["capacity"] else "–",
                run if stated["load"] or stated["activity"] else "–",
                HEADS[lang]["basis"][int(quality[row["id"]] != "plan")],
            )

    return _table(HEADS[lang]["processes"], rows())


def results(lang: str, solved: Solved) -> str:
    """Indicators of the park, one column a variant of a single year."""
    labels = _example(PARK).variant_names
    shown = [v for v in labels if _example(PARK).with_variant(v).tables["stocks"].empty]
    found = {v: fs.indicators(solved(PARK, v), list(SHOWN)) for v in shown}
    names = [labels[v][lang] for v in shown]

    def rows() -> Iterator[tuple[str, ...]]:
        first = next(iter(found.values()))
        for at, (id, (size, en, zh)) in enumerate(SHOWN.items()):
            assert first["id"][at] == id
            unit = {"en": en, "zh": zh}[lang] or first["unit"][at]
            yield (
                f"{first[lang][at]} ({unit})",
                *(number(table["value"][at] / size) for table in found.values()),
            )

    return _table((*HEADS[lang]["results"], *names), rows())


def links(lang: str, solved: Solved) -> str:
    """The candidate links of the park, with the technical limit of each."""
    tables = _example(PARK).tables
    system = solved(PARK, next(iter(_example(PARK).variant_names))).system
    names = system.processes.set_index("id")[lang]

    def rows() -> Iterator[tuple[str, ...]]:
        for row in tables["links"].to_dict("records"):
            yield row[lang], names[row["from"]], names[row["to"]], row["source"] or HEADS[lang]["free"][0]

    return _table(HEADS[lang]["links"], rows())


def draw() -> None:
    """Write the picture of each scenario in both languages."""
    for name, options in PICTURES.items():
        for lang in ("en", "zh"):
            command = f"sankey scenarios/{name}.yaml {options} --exclude {NOT_DRAWN} --lang {lang}"
            command += f" -o docs/pictures/{name}_{lang}.svg"
            program = [sys.executable, "-c", "from flowsim.cli import main; main()", *command.split()]
            subprocess.run(program, cwd=HERE.parent, check=True)


def solve(name: str, variant: str) -> Result:
    """A variant of a shipped scenario, balanced."""
    return fs.balance(fs.assemble(_example(name).with_variant(variant)))


if __name__ == "__main__":
    write_text(PAGE, page(PAGE.read_text(encoding="utf-8"), solve))
    draw()
