"""What a scenario says becomes rows: every kind, read back as sentences."""

from __future__ import annotations

import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest

import flowsim as fs
from flowsim.errors import InputError
from flowsim.system import System

assemble, balance, solve = fs.assemble, fs.balance, fs.solve

PARK = """
flowsim: 1
name: {en: Kiln, zh: 窑}
year: 2025
goods:
  limestone: {name: {en: limestone, zh: 石灰石}, class: mineral, origin: nature}
  meal: {name: {en: raw meal, zh: 生料}}
  slag: {name: {en: slag, zh: 炉渣}, class: solid_waste, fate: landfill}
  gas: {name: {en: off-gas, zh: 废气}, class: emission, fate: air}
  steam: {name: {en: steam, zh: 蒸汽}, kind: energy, class: heat}
  cement: {name: {en: cement, zh: 水泥}}
  metal: {name: {en: metal, zh: 金属}}
recipes:
  burning:
    in: {meal: 1.5 t, steam: 2 GJ}
    out: {cement: 1 t, gas: {}}
    closing: gas
  smelting: {in: {limestone: 1.2 t}, out: {metal: 1 t, slag: 0.2 t}}
  raising: {in: {}, out: {steam: 1 GJ}}
substitutes:
  - {good: slag, replaces: meal, recipe: burning, ratio: 1.1, max_share: 20 %}
processes:
  kiln: {recipe: burning, activity: 100 kt/a, site: port}
  boiler: {recipe: raising, capacity: 300 TJ/a, site: port}
  smelter: {recipe: smelting, activity: 200 t/d, days: 300}
pools: {port: [steam]}
links:
  slag_to_kiln: {good: slag, from: smelter, to: kiln, limit: 15 % of meal, open: true}
"""
SORTING = """
flowsim: 1
year: 2025
layers: [{id: Cu, name: {en: copper, zh: 铜}}]
goods:
  waste: {name: waste, class: solid_waste}
  fluff: {name: fluff, class: solid_waste}
  scrap: {name: scrap, class: recyclable}
  rest: {name: rest, class: solid_waste, fate: landfill}
contents: {waste: {Cu: 10 %}, fluff: {Cu: 1 %}}
processes:
  sorting: {}
  press: {mixed: true}
  yard: {kind: store}
flows:
  - {id: in_waste, good: waste, from: market, to: sorting, amount: 100 t/a}
  - {id: in_fluff, good: fluff, from: market, to: sorting, amount: 50 t/a}
  - {id: sorted, good: scrap, from: sorting, to: press}
  - {id: lost, good: rest, from: sorting, to: landfill}
  - {id: bales, good: scrap, from: press, to: yard}
  - {id: dust, good: rest, from: press, to: landfill}
  - {id: sold, good: scrap, from: yard, to: market, amount: 8 t/a}
facts:
  - {transfer: sorted, at: sorting, origin: waste, value: 20 %}
  - {transfer: sorted, at: sorting, layer: Cu, value: 95 %}
  - {transfer: bales, at: press, value: 90 %}
  - {given: yard, stock_change: 1 t/a, layer: Cu}
"""
SHARES = """
flowsim: 1
year: 2025
goods:
  ore: {name: ore, class: mineral}
  scrap: {name: scrap, class: recyclable}
  metal: {name: metal}
  slag: {name: slag, class: solid_waste, fate: landfill}
processes:
  smelter: {}
flows:
  - {id: metal_out, good: metal, from: smelter, to: market, amount: 100 t/a}
  - {id: own, good: scrap, from: market, to: smelter}
  - {id: other, good: scrap, from: nature, to: smelter}
  - {id: ore_in, good: ore, from: market, to: smelter}
  - {id: slag_out, good: slag, from: smelter, to: landfill}
facts:
  - {share: own, at: smelter, into: true, of: same_good, value: 60 %}
  - {share: scrap, at: smelter, into: true, of: all, value: 40 %}
  - {share: slag, at: smelter, of: [metal, slag], value: 20 %}
"""


@pytest.fixture
def system_of(tmp_path: Path):
    """Assemble a scenario text in which some words are replaced."""

    def build(text: str, *changes: tuple[str, str]) -> System:
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "scenario.yaml"
        path.write_text(text, encoding="utf-8")
        return assemble(fs.read(path))

    return build


def sentences(system: System, kind: str) -> list[str]:
    return [line for line in system.text().splitlines() if line.startswith(kind)]


def refused(system_of, text: str, *changes: tuple[str, str]) -> str:
    with pytest.raises(InputError) as error:
        system_of(text, *changes)
    return str(error.value)


def test_recipe_lines_tie_flows_to_the_activity(system_of) -> None:
    assert sentences(system_of(PARK), "recipe line") == [
        "recipe line, meal of kiln: 1.1 × slag_to_kiln + meal__market__kiln = 1.5 × activity(kiln)",
        "recipe line, steam of kiln: steam__port__steam__kiln = 2 × activity(kiln)",
        "recipe line, cement of kiln: cement__kiln__market = activity(kiln)",
        "recipe line, steam of boiler: steam__boiler__port__steam = activity(boiler)",
        "recipe line, limestone of smelter: limestone__nature__smelter = 1.2 × activity(smelter)",
        "recipe line, slag of smelter: slag_to_kiln + slag__smelter__landfill = 0.2 × activity(smelter)",
        "recipe line, metal of smelter: metal__smelter__market = activity(smelter)",
    ]


def test_the_closing_line_takes_what_a_substitute_changes(system_of) -> None:
    assert sentences(system_of(PARK), "closing line") == [
        "closing line, gas of kiln (mass): slag_to_kiln + meal__market__kiln"
        " = gas__kiln__air + cement__kiln__market"
    ]


def test_a_pool_joins_every_maker_and_taker_of_its_site(system_of) -> None:
    assert sentences(system_of(PARK), "balance") == [
        "balance, port__steam: steam__boiler__port__steam + steam__market__port__steam"
        " = steam__port__steam__kiln + steam__port__steam__market"
    ]


def test_what_is_not_drawn_comes_from_its_origin_and_goes_to_its_fate(system_of) -> None:
    flows = system_of(PARK).flows
    implied = flows[flows["how"] == "implied"].set_index("good")
    assert implied.loc["limestone", "from"] == "nature"
    assert implied.loc["meal", "from"] == "market"
    assert implied.loc["slag", "to"] == "landfill"
    assert implied.loc["gas", "to"] == "air"
    assert implied.loc["cement", "to"] == "market"


def test_a_capacity_per_day_needs_the_operating_days(system_of) -> None:
    assert "given, smelter: activity(smelter) = 60000" in system_of(PARK).text()
    assert "days" in refused(system_of, PARK, (", days: 300", ""))


def test_a_capacity_per_hour_needs_the_operating_hours(system_of) -> None:
    hourly = ("capacity: 300 TJ/a", "capacity: 50 GJ/h")
    system = system_of(PARK, hourly, ("GJ/h", "GJ/h, hours: 8000"))
    assert "limit: activity(boiler) ≤ 400000" in system.text()
    assert "hours" in refused(system_of, PARK, hourly)


def test_a_limit_in_percent_and_the_largest_share_of_a_substitute_are_rows(system_of) -> None:
    limits = sentences(system_of(PARK), "limit")
    assert "limit, slag of kiln: 1.1 × slag_to_kiln ≤ 0.225 × activity(kiln)" in limits
    assert "limit, slag of kiln: 1.1 × slag_to_kiln ≤ 0.3 × activity(kiln)" in limits
    assert limits[-1] == "limit: activity(boiler) ≤ 300000"


def test_a_limit_in_tonnes_is_a_bound(system_of) -> None:
    system = system_of(PARK, ("15 % of meal", "7 kt/a"))
    assert "limit: slag_to_kiln ≤ 7000" in system.text().splitlines()


def test_a_minimum_is_a_lower_bound(system_of) -> None:
    system = system_of(PARK, ("limit: 15 % of meal", "minimum: 5 kt/a"))
    at = system.flows.index[system.flows["id"] == "slag_to_kiln"][0]
    assert system.lower[at] == 5000


def test_a_closed_link_is_no_flow(system_of) -> None:
    system = system_of(PARK, ("open: true", "open: false"))
    assert "slag_to_kiln" not in set(system.flows["id"])
    assert "recipe line, slag of smelter: slag__smelter__landfill = 0.2 × activity(smelter)" in system.text()


def test_a_plant_that_lives_on_closed_links_stands_idle(system_of) -> None:
    idle = (
        ("  smelter: {recipe", "  mill: {recipe: milling, capacity: 9 kt/a}\n  smelter: {recipe"),
        ("  raising:", "  milling: {in: {slag: 1 t}, out: {meal: 1 t}, reference: slag}\n  raising:"),
        ("to: kiln, limit: 15 % of meal, open: true", "to: mill, open: OPEN"),
    )
    shut = balance(system_of(PARK, *idle, ("OPEN", "false"))).processes.set_index("id")["activity"]
    assert shut["mill"] == 0
    running = balance(system_of(PARK, *idle, ("OPEN", "true"))).processes.set_index("id")["activity"]
    assert running["mill"] == pytest.approx(9000)


def test_a_load_is_a_share_of_the_capacity(system_of) -> None:
    system = system_of(PARK, ("activity: 100 kt/a", "capacity: 200 kt/a, load: 40 %"))
    assert "given, kiln: activity(kiln) = 80000" in system.text()


def test_each_layer_has_its_balance_contents_and_transfer_coefficients(system_of) -> None:
    lines = system_of(SORTING).text().splitlines()
    for wanted in (
        "balance, sorting (mass): in_waste + in_fluff = sorted + lost",
        "content, waste (Cu): in_waste[Cu] = 0.1 × in_waste",
        "content, fluff (Cu): in_fluff[Cu] = 0.01 × in_fluff",
        "balance, sorting (Cu): in_waste[Cu] + in_fluff[Cu] = sorted[Cu] + lost[Cu]",
        "transfer coefficient, sorting (Cu): sorted[Cu] = 0.95 × in_waste[Cu] + 0.95 × in_fluff[Cu]",
    ):
        assert wanted in lines


def test_a_transfer_of_one_origin_counts_only_that_input(system_of) -> None:
    assert (
        "transfer coefficient, sorting (mass): sorted = 0.2 × in_waste"
        in system_of(SORTING).text().splitlines()
    )


def test_a_mixed_process_splits_substances_as_mass(system_of) -> None:
    lines = system_of(SORTING).text().splitlines()
    assert "transfer coefficient, press (mass): bales = 0.9 × sorted" in lines
    assert "transfer coefficient, press (Cu): bales[Cu] = 0.9 × sorted[Cu]" in lines


def test_a_transfer_in_all_layers_is_a_row_in_each(system_of) -> None:
    system = system_of(
        SORTING,
        ("origin: waste, value: 20 %", "layer: all, value: 20 %"),
        ("  - {transfer: sorted, at: sorting, layer: Cu, value: 95 %}\n", ""),
    )
    lines = system.text().splitlines()
    assert "transfer coefficient, sorting (mass): sorted = 0.2 × in_waste + 0.2 × in_fluff" in lines
    assert "transfer coefficient, sorting (Cu): sorted[Cu] = 0.2 × in_waste[Cu] + 0.2 × in_fluff[Cu]" in lines


def test_a_store_keeps_what_it_does_not_give_in_every_layer(system_of) -> None:
    result = solve(system_of(SORTING))
    stocks = result.stocks.set_index("layer")["change"]
    assert stocks.to_dict() == pytest.approx({"mass": 10, "Cu": 1})


def test_shares_state_their_base(system_of) -> None:
    assert sentences(system_of(SHARES), "share") == [
        "share, smelter (mass): 0.4 × own = 0.6 × other",
        "share, scrap of smelter (mass): 0.6 × own + 0.6 × other = 0.4 × ore_in",
        "share, slag of smelter (mass): 0.8 × slag_out = 0.2 × metal_out",
    ]


def test_a_fact_limits_a_flow_or_a_process(system_of) -> None:
    facts = "facts:\n  - {limit: slag_to_kiln, max: 3 kt/a}\n  - {limit: kiln, min: 90 kt/a, max: 99 kt/a}\n"
    system = system_of(PARK + facts, ("activity: 100 kt/a", "capacity: 120 kt/a"))
    assert "limit: slag_to_kiln ≤ 3000" in system.text()
    assert "limit: activity(kiln) ≤ 99000" in system.text()
    assert system.lower.max() == 90000


def test_every_row_knows_its_file_and_line(system_of) -> None:
    system = system_of(SORTING)
    stated = np.isin(system.rows.kind, ["given", "transfer", "content"])
    assert all(str(file).endswith("scenario.yaml") for file in system.rows.file[stated])
    lines = SORTING.splitlines()
    row = next(
        at
        for at in np.flatnonzero(stated)
        if system.row_text(int(at)).startswith("transfer coefficient, press (mass)")
    )
    assert "transfer: bales" in lines[system.rows.line[row] - 1]


def test_the_graph_carries_labels_and_amounts(system_of) -> None:
    system = system_of(PARK)
    result = balance(system)
    graph = system.graph(result.amounts)
    edge = graph.edges["smelter", "kiln", "slag_to_kiln"]
    assert edge["zh"] == "炉渣" and edge["unit"] == "t/a" and edge["how"] == "link"
    assert edge["amount"] == pytest.approx(12000)
    assert graph.nodes["kiln"]["site"] == "port" and graph.nodes["market"]["zh"] == "市场"
    assert "amount" not in system.graph().edges["smelter", "kiln", "slag_to_kiln"]


def test_a_system_pickles_as_plain_arrays_and_tables(system_of) -> None:
    packed = pickle.dumps(system_of(PARK))
    modules = {str(arg) for op, arg, _ in pickletools.genops(packed) if isinstance(arg, str)}
    assert not [name for name in modules if name.split(".")[0] in ("pint", "networkx", "pydantic")]
    assert pickle.loads(packed).text() == system_of(PARK).text()


def test_a_process_that_puts_out_no_such_good_is_an_error(system_of) -> None:
    flow = "flows:\n  - {good: metal, from: kiln, to: market}\n"
    message = refused(system_of, PARK + flow)
    assert "scenario.yaml:30:" in message and "kiln puts out no `metal`. It puts out gas, cement." in message


def test_a_process_that_takes_no_such_good_is_an_error(system_of) -> None:
    flow = "flows:\n  - {good: metal, from: smelter, to: kiln}\n"
    message = refused(system_of, PARK + flow)
    assert "kiln takes no `metal`, and no substitute says what it may replace there." in message


def test_a_heavier_substitute_needs_a_closing_line(system_of) -> None:
    message = refused(
        system_of, PARK, ("cement: 1 t, gas: {}", "cement: 1 t, gas: 0.5 t"), ("    closing: gas\n", "")
    )
    assert (
        "weighs other than the `meal` that it replaces in kiln. Name a closing line in recipe `burning`."
        in message
    )


def test_a_limit_by_a_good_that_the_receiver_does_not_take_is_an_error(system_of) -> None:
    message = refused(system_of, PARK, ("15 % of meal", "15 % of metal"))
    assert "slag_to_kiln" in message and "takes no `metal`" in message


def test_a_fact_about_a_closed_link_is_an_error(system_of) -> None:
    fact = "facts:\n  - {given: slag_to_kiln, amount: 3 kt/a}\n"
    message = refused(system_of, PARK + fact, ("open: true", "open: false"))
    assert "link `slag_to_kiln` is closed, but a fact states it. Open it, or drop the fact." in message


def test_a_stock_change_of_what_is_no_store_is_an_error(system_of) -> None:
    message = refused(system_of, SORTING, ("given: yard", "given: press"))
    assert "`press` keeps no stock. Give it `kind: store`." in message


def test_an_activity_of_what_has_no_recipe_is_an_error(system_of) -> None:
    message = refused(
        system_of,
        SORTING,
        ("{given: yard, stock_change: 1 t/a, layer: Cu}", "{given: press, activity: 1 t/a}"),
    )
    assert "press" in message and "recipe" in message


def test_a_transfer_without_its_flow_is_an_error(system_of) -> None:
    message = refused(system_of, SORTING, ("origin: waste", "origin: rest"))
    assert "transfer at `sorting`: no `rest` enters it." in message
    message = refused(system_of, SORTING, ("transfer: bales", "transfer: waste"))
    assert "transfer at `press`: no `waste` leaves it." in message


def test_a_share_on_the_wrong_side_says_which_side(system_of) -> None:
    message = refused(system_of, SHARES, ("into: true, of: all", "of: all"))
    assert "no `scrap` leaves it. Say `into: true` for what enters." in message


def test_a_scenario_without_flows_is_an_error(system_of) -> None:
    message = refused(system_of, "flowsim: 1\nyear: 2025\nprocesses: {yard: {kind: store}}\n")
    assert "the scenario has no flows. Draw one under `flows:`." in message
