"""The merit order: who supplies, who takes, what is left over, and why nothing is possible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import flowsim as fs
from flowsim.errors import Infeasible, Undetermined
from flowsim.result import Result

assemble, balance, dispatch, solve = fs.assemble, fs.balance, fs.dispatch, fs.solve

SUPPLY = """
flowsim: 1
year: 2025
goods:
  ore: {name: ore, class: mineral}
  spent: {name: spent, class: recyclable}
  nickel_sulfate: {name: {en: nickel sulfate, zh: 硫酸镍}}
  other: {name: other}
  salt: {name: precursor}
recipes:
  refining: {in: {ore: 1 t}, out: {nickel_sulfate: 1 t}}
  recycling: {in: {spent: 1 t}, out: {nickel_sulfate: 1 t}}
  making: {in: {nickel_sulfate: 1.43 t}, out: {salt: 1 t, other: {}}, closing: other}
processes:
  refinery: {recipe: refining, capacity: 80 kt/a}
  recycler: {recipe: recycling, capacity: 20 kt/a}
  precursor: {recipe: making, activity: 300 kt/a}
flows:
  - {id: second, good: nickel_sulfate, from: refinery, to: precursor, prefer: 2}
  - {id: first, good: nickel_sulfate, from: recycler, to: precursor, prefer: 1}
  - {id: bought, good: nickel_sulfate, from: market, to: precursor, limit: 500 kt/a}
"""
WASTE = """
flowsim: 1
year: 2025
goods:
  waste: {name: waste, class: solid_waste, fate: landfill}
  clay: {name: clay, class: mineral}
  brick: {name: brick}
recipes:
  making: {in: {clay: 1 t}, out: {brick: 1 t}}
  wasting: {in: {clay: 1 t}, out: {waste: 1 t}, reference: clay}
processes:
  source: {recipe: wasting, activity: 60 kt/a}
  kiln_a: {recipe: making, capacity: 90 kt/a, load: 100 %}
  kiln_b: {recipe: making, capacity: 30 kt/a, load: 100 %}
substitutes:
  - {good: waste, replaces: clay, max_share: 100 %}
links:
  to_a: {good: waste, from: source, to: kiln_a, open: true}
  to_b: {good: waste, from: source, to: kiln_b, open: true}
"""
STEAM = """
flowsim: 1
year: 2025
goods:
  clay: {name: clay, class: mineral}
  sludge: {name: sludge, class: solid_waste, fate: landfill}
  gas: {name: gas, class: emission, fate: air}
  steam: {name: steam, kind: energy, class: heat}
  brick: {name: brick}
recipes:
  dirty: {in: {clay: 2 t}, out: {brick: 1 t, sludge: 1 t}}
  burning: {in: {sludge: 1 t}, out: {gas: 1 t, steam: 4 GJ}, reference: sludge}
  drying: {in: {clay: 1 t, steam: 1 GJ}, out: {brick: 1 t}}
  raising: {in: {}, out: {steam: 1 GJ}}
processes:
  maker: {recipe: dirty, activity: 100 t/a, site: here}
  burner: {recipe: burning, capacity: 1000 t/a, site: here}
  dryer: {recipe: drying, activity: 60 t/a, site: here}
  neighbour: {recipe: raising, capacity: 10 GJ/a, site: there}
pools: {here: [steam]}
links:
  to_burner: {good: sludge, from: maker, to: burner, open: true}
  from_neighbour: {good: steam, from: neighbour, to: dryer, open: false}
"""
OWN = """
flowsim: 1
year: 2025
goods:
  ore: {name: ore, class: mineral}
  salt: {name: salt}
  powder: {name: powder}
  cell: {name: cell}
recipes:
  salting: {in: {ore: 1 t}, out: {salt: 1 t}}
  powdering: {in: {salt: 1 t}, out: {powder: 1 t}}
  assembling: {in: {powder: 1 t}, out: {cell: 1 t}}
processes:
  works: {recipe: assembling, activity: 100 t/a}
  mill: {recipe: powdering, capacity: 80 t/a}
  plant: {recipe: salting, capacity: 50 t/a}
flows:
  - {id: own_powder, good: powder, from: mill, to: works}
  - {id: bought_powder, good: powder, from: market, to: works}
  - {id: own_salt, good: salt, from: plant, to: mill}
  - {id: bought_salt, good: salt, from: market, to: mill}
"""


@pytest.fixture
def park(tmp_path: Path):
    """Assemble a scenario text in which some words are replaced."""

    def build(text: str, *changes: tuple[str, str]):
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "park.yaml"
        path.write_text(text, encoding="utf-8")
        return assemble(fs.read(path))

    return build


def amounts(result: Result) -> dict[str, float]:
    return dict(zip(result.system.flows["id"], result.amounts, strict=True))


def test_what_is_preferred_is_used_up_first(park) -> None:
    found = amounts(dispatch(park(SUPPLY)))
    assert (found["first"], found["second"], found["bought"]) == pytest.approx((20e3, 80e3, 329e3))


def test_changing_the_preference_changes_who_supplies(park) -> None:
    small = ("activity: 300 kt/a", "activity: 10 kt/a")
    assert amounts(dispatch(park(SUPPLY, small)))["first"] == pytest.approx(14300)
    turned = (("prefer: 2", "prefer: 0"), small)
    assert amounts(dispatch(park(SUPPLY, *turned)))["first"] == 0


def test_a_market_of_equal_preference_shares_with_the_plants(park) -> None:
    found = amounts(
        dispatch(park(SUPPLY, ("limit: 500 kt/a", "limit: 80 kt/a, prefer: 2"), ("300 kt/a", "70 kt/a")))
    )
    assert found["first"] == pytest.approx(20e3)
    assert found["second"] == pytest.approx(found["bought"])


def test_what_cannot_be_supplied_is_said_with_every_supplier_and_what_bounds_it(park) -> None:
    with pytest.raises(Infeasible) as error:
        dispatch(park(SUPPLY, ("limit: 500 kt/a", "limit: 250 kt/a")))
    message = str(error.value)
    assert "precursor needs 429000 t/a of nickel_sulfate; 350000 can be supplied: " in message
    for part in ("recycler 20000 (capacity)", "refinery 80000 (capacity)", "market 250000 (limit)"):
        assert part in message
    assert "draw another supplier" in message and "park.yaml:13" in message


def test_an_output_over_what_its_takers_can_take_names_them(park) -> None:
    text = (
        SUPPLY + "  - {id: kept, good: salt, from: precursor, to: yard}\n"
        "  - {id: gone, good: salt, from: yard, to: market, limit: 100 kt/a}\n"
    )
    with pytest.raises(Infeasible) as error:
        dispatch(park(text.replace("processes:", "processes:\n  yard: {kind: trade}")))
    assert "has 300000 t/a of salt to give; 100000 can be taken" in str(error.value)


def test_links_come_before_the_network_and_the_network_before_the_market(park) -> None:
    system = park(STEAM, ("to: dryer, open: false", "to: dryer, open: true"))
    found = amounts(dispatch(system))
    assert found["from_neighbour"] == pytest.approx(10)
    assert found["steam__here__steam__dryer"] == pytest.approx(50)
    assert found["steam__market__here__steam"] == 0


def test_a_network_buys_what_its_makers_lack(park) -> None:
    found = amounts(dispatch(park(STEAM, ("capacity: 1000 t/a", "capacity: 10 t/a"))))
    assert found["steam__burner__here__steam"] == pytest.approx(40)
    assert found["steam__market__here__steam"] == pytest.approx(20)


def test_a_plant_that_lives_on_waste_takes_all_and_the_network_gives_away_the_rest(park) -> None:
    found = amounts(dispatch(park(STEAM)))
    assert (found["to_burner"], found["sludge__maker__landfill"]) == pytest.approx((100, 0))
    assert found["steam__here__steam__market"] == pytest.approx(400 - 60)


SWALLOW = """
flowsim: 1
year: 2025
goods:
  clay: {name: clay, class: mineral}
  slag: {name: slag, class: solid_waste, fate: landfill}
  brick: {name: brick}
  house: {name: house}
recipes:
  wasting: {in: {clay: 1 t}, out: {slag: 1 t}, reference: clay}
  baking: {in: {clay: 1 t}, out: {brick: 1 t}}
  building: {in: {brick: 1 t}, out: {house: 1 t}}
processes:
  source: {recipe: wasting, activity: 100 t/a}
  kiln: {recipe: baking, capacity: 1000 t/a, site: here}
  builder: {recipe: building, activity: 30 t/a, site: here}
pools: {here: [brick]}
substitutes: [{good: slag, replaces: clay, max_share: 100 %}]
links: {to_kiln: {good: slag, from: source, to: kiln, open: true}}
"""


def test_no_plant_makes_more_than_its_users_take_to_swallow_waste(park) -> None:
    found = amounts(dispatch(park(SWALLOW)))
    assert (found["to_kiln"], found["slag__source__landfill"]) == pytest.approx((30, 70))
    assert found["brick__here__brick__market"] == 0


def test_waste_is_dumped_only_where_nobody_can_use_it(park) -> None:
    assert amounts(dispatch(park(WASTE)))["waste__source__landfill"] == 0
    found = amounts(
        dispatch(park(WASTE, ("activity: 60 kt/a", "activity: 100 kt/a"), ("100 %}\nlinks", "40 %}\nlinks")))
    )
    assert found["waste__source__landfill"] == pytest.approx(52e3)


def test_treatment_comes_before_disposal(park) -> None:
    text = WASTE[: WASTE.index("links:")] + (
        "flows:\n"
        "  - {id: dumped, good: waste, from: source, to: landfill}\n"
        "  - {id: treated, good: waste, from: source, to: treatment, limit: 5 kt/a}\n"
    )
    found = amounts(dispatch(park(text)))
    assert (found["treated"], found["dumped"]) == pytest.approx((5e3, 55e3))


def test_ties_are_shared_in_proportion_to_what_each_can_take(park) -> None:
    found = amounts(dispatch(park(WASTE)))
    assert (found["to_a"], found["to_b"]) == pytest.approx((45e3, 15e3))


def test_an_own_plant_is_preferred_even_if_it_buys_its_inputs(park) -> None:
    found = amounts(dispatch(park(OWN)))
    assert (found["own_powder"], found["bought_powder"]) == pytest.approx((80, 20))
    assert (found["own_salt"], found["bought_salt"]) == pytest.approx((50, 30))


def test_a_plant_that_nothing_asks_for_is_named(park) -> None:
    with pytest.raises(Undetermined) as error:
        dispatch(park(OWN, ("activity: 100 t/a", "capacity: 100 t/a")))
    message = str(error.value)
    assert "nothing says how much" in message and "works" in message
    assert "State `activity` or `load`" in message


def test_the_order_of_entries_does_not_matter(park) -> None:
    head, flows = SUPPLY.split("flows:\n")
    turned = head + "flows:\n" + "\n".join(reversed(flows.strip("\n").split("\n"))) + "\n"
    assert amounts(dispatch(park(SUPPLY))) == pytest.approx(amounts(dispatch(park(turned))))
    links = WASTE.index("  to_a")
    one, other = WASTE[links:].strip("\n").split("\n")
    swapped = WASTE[:links] + other + "\n" + one + "\n"
    assert amounts(dispatch(park(WASTE))) == pytest.approx(amounts(dispatch(park(swapped))))


def test_the_same_system_gives_the_same_answer_bit_for_bit(park) -> None:
    assert dispatch(park(STEAM)).x.tobytes() == dispatch(park(STEAM)).x.tobytes()


def test_where_nothing_is_free_dispatch_and_solve_agree(park) -> None:
    stated = SUPPLY.replace("prefer: 2", "amount: 80 kt/a").replace("prefer: 1", "amount: 20 kt/a")
    system = park(stated)
    np.testing.assert_allclose(dispatch(system).x, solve(system).x, rtol=1e-9)


def test_every_row_holds_after_dispatch(park) -> None:
    for text in (SUPPLY, WASTE, STEAM, OWN):
        assert dispatch(park(text)).largest_residual[0] < 1e-12


def test_balance_dispatches_only_where_rivals_are_free(park) -> None:
    assert balance(park(SUPPLY)).study == "dispatch"
    stated = SUPPLY.replace("prefer: 2", "amount: 80 kt/a").replace("prefer: 1", "amount: 20 kt/a")
    assert balance(park(stated)).study == "solve"
    assert balance(park(stated), study="dispatch").study == "dispatch"


def test_what_merit_order_decided_is_marked(park) -> None:
    result = dispatch(park(SUPPLY))
    how = dict(zip(result.system.flows["id"], result.how(), strict=True))
    assert how["first"] == how["second"] == how["bought"] == "dispatched"
    assert how["ore__market__refinery"] == "implied"


def test_a_minimum_is_kept_and_a_capacity_not_passed(park) -> None:
    found = amounts(dispatch(park(SUPPLY, ("limit: 500 kt/a", "minimum: 400 kt/a"))))
    assert found["bought"] == pytest.approx(400e3)
    assert found["first"] == pytest.approx(20e3)
    assert found["second"] == pytest.approx(9e3)


def test_opening_a_link_never_adds_to_what_is_dumped(park) -> None:
    shut = WASTE.replace(
        "to_b: {good: waste, from: source, to: kiln_b, open: true}",
        "to_b: {good: waste, from: source, to: kiln_b}",
    )
    more = ("activity: 60 kt/a", "activity: 100 kt/a")
    closed = amounts(dispatch(park(shut, more)))["waste__source__landfill"]
    assert amounts(dispatch(park(WASTE, more)))["waste__source__landfill"] <= closed


ROUND = """
flowsim: 1
year: 2025
goods: {ware: {name: ware}}
processes: {a: {kind: trade}, b: {kind: trade}}
flows:
  - {id: enters, good: ware, from: market, to: a, amount: 10 t/a}
  - {id: there, good: ware, from: a, to: b, limit: 100 t/a}
  - {id: back, good: ware, from: b, to: a, limit: 100 t/a}
  - {id: leaves, good: ware, from: b, to: market}
"""


def test_what_neither_facts_nor_merit_decide_is_named_with_its_interval(park) -> None:
    with pytest.raises(Undetermined) as error:
        dispatch(park(ROUND))
    message = str(error.value)
    assert "neither facts nor merit order decide 2 values: there [10, 100], back [0, 90]." in message
    assert "Give rivals different `prefer`, a limit, or state one of the amounts." in message


def test_an_undecided_value_is_missing_and_keeps_its_interval(park) -> None:
    result = dispatch(park(ROUND), throw=False)
    flows = result.flows.set_index("id")
    assert flows.loc["there", ["how", "low", "high"]].tolist() == ["undetermined", 10, 100]
    assert np.isnan(flows.loc["back", "value"]) and flows.loc["enters", "value"] == 10


POOLED = """
flowsim: 1
year: 2025
goods:
  clay: {name: clay, class: mineral}
  slag: {name: slag, class: solid_waste, fate: landfill}
  powder: {name: powder}
  brick: {name: brick}
  elec: {name: electricity, kind: energy, class: power}
recipes:
  making: {in: {clay: 2 t, elec: 1 GJ}, out: {brick: 1 t, slag: 1 t}}
  milling: {in: {slag: 1 t, elec: 1 GJ}, out: {powder: 1 t}, reference: slag}
processes:
  works: {recipe: making, activity: 100 t/a, site: here}
  mill: {recipe: milling, capacity: 60 t/a, site: here}
pools: {here: [elec]}
flows:
  - {id: own, good: clay, from: nature, to: works, limit: 50 t/a}
  - {id: bought, good: clay, from: market, to: works}
  - {id: treated, good: slag, from: works, to: treatment, limit: 10 t/a}
  - {id: dumped, good: slag, from: works, to: landfill}
links: {to_mill: {good: slag, from: works, to: mill, open: true}}
"""


def test_a_plant_on_a_network_is_not_idled_to_save_what_it_draws(park) -> None:
    found = amounts(dispatch(park(POOLED)))
    assert (found["to_mill"], found["treated"], found["dumped"]) == pytest.approx((60, 10, 30))


def test_a_limit_on_a_purchase_holds(park) -> None:
    change = (
        "  - {id: bought, good: clay, from: market, to: works}",
        "  - {id: b, good: clay, from: market, to: works, limit: 100 t/a}",
    )
    with pytest.raises(Infeasible, match="works needs 200 t/a of clay; 150 can be supplied: nature 50"):
        dispatch(park(POOLED, change))


def test_a_maker_with_limited_flows_makes_what_its_users_take(park) -> None:
    limited = (
        "from: refinery, to: precursor, prefer: 2}",
        "from: refinery, to: precursor, prefer: 2, limit: 60 kt/a}",
    )
    found = amounts(dispatch(park(SUPPLY, limited)))
    assert (found["first"], found["second"], found["bought"]) == pytest.approx((20e3, 60e3, 349e3))
