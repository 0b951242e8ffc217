"""A starter folder that runs: one scenario to change."""

from __future__ import annotations

from pathlib import Path

from flowsim.errors import InputError, Problem
from flowsim.files import write_text

SCENARIO = """\
# A first scenario: a precursor plant, its nickel, and what may be done with the lithium slag next door.
# Change a number and run:  flowsim compare {name}
flowsim: 1
name: {{en: My first park, zh: 我的第一个园区}}
year: 2025
library: [flowsim]            # the shipped goods, recipes and prices; `flowsim library nickel` searches it
targets: qinzhou_2025

processes:
  refinery:
    name: {{en: Nickel refinery, zh: 镍精炼厂}}
    recipe: nisulfate_matte
    capacity: 80 kt/a
    site: port
  precursor:
    name: {{en: Precursor plant, zh: 前驱体厂}}
    recipe: ncm811_precursor
    activity: 60 kt/a
    site: port
  lithium:
    name: {{en: Lithium plant, zh: 锂盐厂}}
    recipe: lioh_spodumene
    capacity: 50 kt/a
    load: 90 %
    site: port
  cooling: {{name: {{en: Cooling towers, zh: 循环水场}}, recipe: cooling_tower, site: port}}
  grinding:
    name: {{en: Slag mill, zh: 锂渣粉磨站}}
    recipe: lithium_slag_powder
    capacity: 300 kt/a
    site: next_door

# What is not drawn comes from the market or nature, and goes where its good goes.
flows:
  - {{good: niso4_6h2o, from: refinery, to: precursor, prefer: 1}}
  - {{good: niso4_6h2o, from: market, to: precursor}}

pools: {{port: [cw_supply, cw_return, elec, steam_lp]}}

links:
  slag_to_grinding:
    name: {{en: Lithium slag to the mill, zh: 锂渣送粉磨站}}
    good: lithium_slag
    from: lithium
    to: grinding
    limit: 200 kt/a

variants:
  as_planned:
    name: {{en: As planned, zh: 规划情景}}
  symbiosis:
    name: {{en: Symbiosis, zh: 共生情景}}
    base: as_planned
    open: [slag_to_grinding]
  bigger_refinery:
    name: {{en: Symbiosis and a bigger refinery, zh: 共生并扩建精炼}}
    base: symbiosis
    processes: {{refinery: {{capacity: x 1.5}}}}
"""


def write_starter(folder: str | Path) -> Path:
    """Write ``scenario.yaml`` into a folder, which is made if it is not there.

    Raises
    ------
    InputError : the folder is a file, or already holds a scenario
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(
            Problem("this is a file, but a folder is wanted.", str(folder), hint="Choose another name.")
        )
    path = folder / "scenario.yaml"
    if path.exists():
        raise InputError(Problem("this scenario exists already.", str(path), hint="Choose another folder."))
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, SCENARIO.format(name=path))
    return path
