"""What must hold across the tables: references, units of goods, closed recipes, sums."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import flowsim as fs
from flowsim.errors import InputError
from flowsim.scenario import Scenario

GOODS = """\
goods:
  ore: {name: ore, class: mineral}
  metal: {name: metal}
  slag: {name: slag, fate: landfill}
  oil: {name: oil, lhv: 40 GJ/t, density: 0.8 t/m3}
  gas: {name: gas, density: 0.7 t/Nm3}
  brine: {name: brine, kind: water}
  steam: {name: steam, kind: energy}
"""
RECIPES = """\
recipes:
  smelting: {in: {ore: 2 t, steam: 3 GJ}, out: {metal: 1 t, slag: {}}, closing: slag}
"""
PROCESSES = """\
processes:
  smelter: {recipe: smelting}
  shop: {kind: use}
  sorter: {kind: collect}
"""
FLOWS = """\
flows:
  - {id: sold, good: metal, from: smelter, to: shop}
  - {id: back, good: slag, from: shop, to: sorter}
  - {id: rest, good: slag, from: sorter, to: landfill}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, *parts: str) -> Scenario:
    """A scenario of these parts, and of the tables above that they do not state."""
    stated = "".join(parts)
    base = [
        text for text in (GOODS, RECIPES, PROCESSES, FLOWS) if f"\n{text.split()[0]}" not in f"\n{stated}"
    ]
    path = folder / "s.yaml"
    path.write_text("flowsim: 1\n" + stated + "".join(base), encoding="utf-8")
    return fs.read(path)


def refused(folder: Path, *parts: str) -> list[str]:
    with pytest.raises(InputError) as error:
        read(folder, *parts)
    assert all(problem.line and problem.file.endswith("s.yaml") for problem in error.value.problems)
    return [f"{problem.message} {problem.hint}" for problem in error.value.problems]


def fact(text: str) -> str:
    return f"facts:\n  - {{{text}}}\n"


def flow(text: str) -> str:
    return FLOWS + f"  - {{id: new, {text}}}\n"


def test_a_scenario_without_fault_is_read(folder: Path) -> None:
    scenario = read(folder)
    assert [len(scenario.tables[name]) for name in ("goods", "recipes", "processes", "flows")] == [7, 4, 3, 3]
    assert not any(column.endswith("_unit") or column == "wrong" for column in scenario.tables["flows"])


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            flow("good: oar, from: shop, to: sorter"),
            "flows: `good`: there is no good `oar`. Did you mean `ore`?",
        ),
        (
            flow("good: zz, from: shop, to: sorter"),
            "flows: `good`: there is no good `zz`. Declare it under `goods:`.",
        ),
        (
            flow("good: ore, from: shp, to: sorter"),
            "flows: `from`: there is no process `shp`. Did you mean `shop`?",
        ),
        (flow("good: ore, from: landfill, to: shop"), "flows: `from`: there is no process `landfill`."),
        (flow("good: ore, from: shop, to: nature"), "flows: `to`: there is no process `nature`."),
        (flow("good: ore, from: shop, to: shop"), "flows: it runs from a process to itself."),
        (
            flow("good: ore, from: shop, to: sorter, limit: 5 % of zz"),
            "flows: `limit_of`: there is no good `zz`.",
        ),
        (
            "links: {sold: {good: ore, from: shop, to: sorter}}\n",
            "links: a flow is also called `sold`. Give one",
        ),
        (PROCESSES + "  air: {kind: use}\n", "processes: `air` is a place outside. Choose another id."),
        (PROCESSES + "  net: {kind: pool}\n", "processes: a pool is no process. Name it under `pools:`."),
        (
            PROCESSES + "  out: {kind: outside}\n",
            "processes: a place outside is no process. Draw flows from or to market",
        ),
        (
            PROCESSES + "  mill: {recipe: smelt}\n",
            "processes: `recipe`: there is no recipe `smelt`. Did you mean `smelting`?",
        ),
        (
            PROCESSES + "  mill: {days: 400}\n",
            "processes: `days` is no operating time. A year has at most 366 days.",
        ),
        (
            PROCESSES + "  mill: {hours: 0}\n",
            "processes: `hours` is no operating time. A year has at most 8784 hours.",
        ),
        ("pools: {port: [steam]}\n", "pools: `site`: there is no site of a process `port`."),
        ("prices: {zz: 5 CNY/t}\n", "prices: `good`: there is no good `zz`."),
        ("prices: {ore: {price: 5 CNY/t, recipe: zz}}\n", "prices: `recipe`: there is no recipe `zz`."),
        ("substitutes: [{good: ore, replaces: zz}]\n", "substitutes: `replaces`: there is no good `zz`."),
        ("contents: {zz: {Cu: 3 %}}\n", "contents: `good`: there is no good `zz`."),
        (
            fact("given: zz, amount: 5 t/a"),
            "facts: `given`: there is no flow or process `zz`. Declare it under `flows:`.",
        ),
        (fact("transfer: slag, at: zz, value: 5 %"), "facts: `at`: there is no process `zz`."),
        (fact("transfer: zz, at: shop, value: 5 %"), "facts: `transfer`: there is no flow or good `zz`."),
        (
            fact("transfer: slag, origin: zz, at: shop, value: 5 %"),
            "facts: `origin`: there is no flow or good `zz`.",
        ),
        (fact("share: slag, of: [zz], at: shop, value: 5 %"), "facts: `of`: there is no flow or good `zz`."),
        (
            fact("given: sold, amount: 5 t/a, layer: Cu"),
            "facts: `layer`: there is no layer `Cu`. Declare it under `layers:`.",
        ),
    ],
)
def test_a_reference_to_nothing_is_named(folder: Path, part: str, message: str) -> None:
    found = refused(folder, part)
    assert len(found) == 1 and found[0].startswith(message)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (fact("amount: 5 t/a"), "facts: a fact states none of its four kinds. Say one of given, transfer"),
        (
            fact("given: sold, limit: sold, amount: 5 t/a"),
            "facts: a fact states `given` and `limit`. Say one of",
        ),
        (
            fact("given: sold"),
            "facts: `given` has no value. State one of amount, activity, stock_change and stock.",
        ),
        (fact("given: smelter, activity: 5 t/a, amount: 5 t/a"), "facts: `given` has more than one value."),
        (
            fact("given: smelter, amount: 5 t/a"),
            "facts: a process has no `amount`. Write `activity:`, or name one",
        ),
        (
            fact("given: sold, activity: 5 t/a"),
            "facts: a flow has an `amount` only. State its `amount:`, or name",
        ),
        (
            fact("given: sold, value: 5 %"),
            "facts: `given` takes no `value`. It goes with amount, activity, stock_change, stock.",
        ),
        (
            fact("given: slag, amount: 5 t/a"),
            "facts: `slag` may mean `back`, `rest`. Write the id of the flow.",
        ),
        (fact("limit: sold"), "facts: `limit` has no `max` and no `min`. State one of them."),
        (fact("limit: sold, min: 9 t/a, max: 5 t/a"), "facts: `min` is above `max`. Swap them."),
        (fact("transfer: slag, value: 5 %"), "facts: `transfer` names no process. Say `at: PROCESS`."),
        (fact("transfer: slag, at: shop"), "facts: `transfer` has no `value`. Write `value: 40 %`."),
        (fact("transfer: slag, at: shop, value: 5 %, of: all"), "facts: `transfer` takes no `of`."),
        (fact("share: slag, at: shop, value: 5 %"), "facts: `share` states no base. Write `of: same_good`"),
    ],
)
def test_an_incomplete_fact_is_named(folder: Path, part: str, message: str) -> None:
    found = refused(folder, part)
    assert len(found) == 1 and found[0].startswith(message)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("good: oil, amount: 80 GJ/a", 2.0),
        ("good: oil, amount: 10 m3/a", 8.0),
        ("good: gas, amount: 10 Nm3/a", 7.0),
        ("good: brine, amount: 10 t/a", 10.0),
        ("good: steam, amount: 1 MWh/a", 3.6),
        ("good: ore, amount: 1 万t/a", 1e4),
    ],
)
def test_amounts_are_counted_in_the_unit_of_their_good(folder: Path, text: str, value: float) -> None:
    frame = read(folder, flow(f"from: shop, to: sorter, {text}")).tables["flows"]
    assert frame["amount"].iloc[-1] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            flow("good: ore, from: shop, to: sorter, amount: 5 m3/a"),
            "flows: `amount` is in m3/a: `ore` is counted in t/a.",
        ),
        (
            flow("good: gas, from: shop, to: sorter, amount: 5 m3/a"),
            "flows: `amount` is in m3/a: `gas` is counted in t/a.",
        ),
        (
            flow("good: steam, from: shop, to: sorter, amount: 5 t/a"),
            "flows: `amount` is in t/a: `steam` is counted in GJ/a.",
        ),
        (
            flow("good: ore, from: shop, to: sorter, amount: 5 t"),
            "flows: `amount` is in t: an amount per year is wanted, such as t/a.",
        ),
        (
            flow("good: ore, from: shop, to: sorter, amount: 5 t/d"),
            "flows: `amount` is in t/d: say how many `days`",
        ),
        (
            flow("good: ore, from: shop, to: sorter, amount: 5 %"),
            "flows: `amount` is in 1: an amount per year is wanted",
        ),
        (
            flow("good: ore, from: shop, to: sorter, cost: 5 t"),
            "flows: `cost` is in t: a price is wanted, such as CNY/t.",
        ),
        (
            flow("good: ore, from: shop, to: sorter, cost: 5 CNY/GJ"),
            "flows: `cost` is in CNY/GJ: `ore` is counted in t.",
        ),
        (
            PROCESSES + "  mill: {recipe: smelting, capacity: 5 t/d}\n",
            "processes: `capacity` is in t/d. Say how many `days`",
        ),
        (
            PROCESSES + "  mill: {recipe: smelting, capacity: 5 GJ/a}\n",
            "processes: `capacity` is in GJ/a: `metal` is counted in t/a.",
        ),
        (
            fact("given: back, layer: Cu, amount: 5 GJ/a") + "layers: {Cu: }\n",
            "facts: `amount` is in GJ/a: mass is wanted, such as t/a.",
        ),
        (
            fact("transfer: slag, at: shop, value: 5 %, sd: 5 t/a"),
            "facts: `sd` is in t/a: a share is wanted, such as 5 %.",
        ),
        (
            GOODS
            + "  far: {name: far, lhv: 1e-300 GJ/t}\n"
            + flow("good: far, from: shop, to: sorter, amount: 1e300 GJ/a"),
            "flows: `amount` is out of range. Write a smaller number.",
        ),
    ],
)
def test_a_unit_of_another_dimension_is_named(folder: Path, part: str, message: str) -> None:
    found = refused(folder, part)
    assert len(found) == 1 and found[0].startswith(message)


def test_daily_and_hourly_capacities_become_yearly(folder: Path) -> None:
    more = "  a: {recipe: smelting, capacity: 5 t/d, days: 300}\n"
    more += "  b: {recipe: smelting, capacity: 2 t/h, hours: 8000}\n"
    frame = read(folder, PROCESSES + more).tables["processes"]
    assert frame["capacity"].tolist()[-2:] == [1500.0, 16000.0]


def test_a_transfer_coefficient_has_its_uncertainty_as_a_share(folder: Path) -> None:
    facts = read(folder, fact("transfer: slag, at: sorter, value: 50 %, low: 40 %, high: 60 %")).tables[
        "facts"
    ]
    assert (facts["low"][0], facts["high"][0]) == (0.4, 0.6)


def test_a_closing_line_without_amount_takes_the_difference(folder: Path) -> None:
    recipes = read(folder).tables["recipes"]
    assert recipes[recipes["role"] == "closing"]["amount"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            "in: {ore: 2 t}, out: {metal: 1 t}",
            "recipes: `r` does not close: 1 t more go in than out. Name a `closing`",
        ),
        ("in: {ore: 2 t}, out: {metal: 3 t}", "recipes: `r` does not close: 1 t more go out than in."),
        (
            "in: {ore: 2 t}, out: {metal: 3 t, slag: {}}, closing: slag",
            "recipes: `r` does not close: 1 t more go out",
        ),
        (
            "in: {ore: 2 t}, out: {metal: 1 t, steam: {}}, closing: steam",
            "recipes: `steam` has no mass and closes nothing.",
        ),
        ("in: {ore: {}}, out: {metal: 1 t}", "recipes: `ore` has no amount. Write `1.2 t`."),
        ("in: {ore: 0 t}, out: {metal: 0 t}", "recipes: the reference amount must be above 0. Write `1 t`."),
        (
            "in: {ore: 1 t}, out: {metal: 1 t}, closing: ore",
            "recipes: a closing line must be an output. Name an output.",
        ),
        (
            "in: {ore: 1e300 t, slag: 1e308 t, oil: 1e308 t}, out: {metal: 1 t}",
            "recipes: `r` does not close: inf t",
        ),
    ],
)
def test_a_recipe_that_does_not_close_is_named(folder: Path, recipe: str, message: str) -> None:
    found = refused(folder, RECIPES + f"  r: {{{recipe}}}\n")
    assert len(found) == 1 and found[0].startswith(message)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "r,in,ore,1 t,\nr,out,metal,1 t,\n",
            "recipes: `r` has no reference line. Name the line that activity counts",
        ),
        (
            "r,in,ore,1 t,reference\nr,out,metal,1 t,reference\n",
            "recipes: `r` has more than one reference line.",
        ),
        (
            "r,in,ore,2 t,reference\nr,out,metal,1 t,closing\nr,out,slag,1 t,closing\n",
            "recipes: `r` has more than one closing line. One output takes the difference.",
        ),
        (
            "r,in,ore,1 t,reference\nr,in,ore,1 t,\nr,out,metal,2 t,\n",
            "recipes: `r in ore` is stated twice. The first is at",
        ),
    ],
)
def test_wrong_roles_of_recipe_lines_are_named(folder: Path, rows: str, message: str) -> None:
    (folder / "r.csv").write_text("recipe,direction,good,amount,role\n" + rows, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read(folder, "recipes: r.csv\n", "processes: {smelter: , shop: , sorter: }\n")
    (problem,) = error.value.problems
    assert problem.file.endswith("r.csv") and f"{problem.message} {problem.hint}".startswith(message)


def test_transfer_coefficients_over_100_percent_are_named(folder: Path) -> None:
    facts = (
        "facts:\n  - {transfer: slag, at: shop, value: 70 %}\n  - {transfer: ore, at: shop, value: 50 %}\n"
    )
    (found,) = refused(folder, facts)
    assert found == (
        "facts: transfer coefficients at `shop` for mass add up to 120 % (slag 70 %, ore 50 %). "
        "They may reach 100 %."
    )


def test_shares_of_one_base_over_100_percent_are_named(folder: Path) -> None:
    facts = "facts:\n  - {share: slag, at: shop, of: all, value: 70 %}\n"
    facts += "  - {share: ore, at: shop, of: all, value: 50 %}\n"
    (found,) = refused(folder, facts)
    assert found.startswith("facts: shares at `shop` for mass add up to 120 % (slag 70 %, ore 50 %).")


def test_shares_of_the_same_good_are_summed_by_good(folder: Path) -> None:
    facts = "facts:\n  - {share: back, at: shop, of: same_good, value: 70 %}\n"
    facts += "  - {share: sold, at: shop, of: same_good, value: 50 %}\n"
    assert len(read(folder, facts).tables["facts"]) == 2
    assert len(refused(folder, facts.replace("share: sold", "share: rest"))) == 1


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (PROCESSES + "  p: {recipe: smelting, load: 5 %}\n", "processes: `load` needs a `capacity`."),
        (
            PROCESSES + "  p: {recipe: smelting, load: 5 %, capacity: 5 t/a, activity: 5 t/a}\n",
            "processes: `load` and `activity` say the same.",
        ),
        (PROCESSES + "  p: {activity: 5 t/a}\n", "processes: `activity` needs a `recipe`. State the amount"),
        (PROCESSES + "  p: {capacity: 5 t/a}\n", "processes: `capacity` needs a `recipe`. State the amount"),
        (
            flow("good: ore, from: shop, to: sorter, minimum: 5 t/a, limit: 4 t/a"),
            "flows: `minimum` is above `limit`.",
        ),
        (
            flow("good: ore, from: shop, to: sorter, low: 5 t/a, high: 4 t/a"),
            "flows: `low` is above `high`. Swap them.",
        ),
        ("substitutes: [{good: ore, replaces: oil, ratio: 0}]\n", "substitutes: `ratio` must be above 0."),
        (
            GOODS + "  g: {name: g, lhv: 0 GJ/t}\n",
            "goods: `lhv` must be above 0. Leave it out if it is not known.",
        ),
    ],
)
def test_values_that_do_not_fit_are_named(folder: Path, part: str, message: str) -> None:
    found = refused(folder, part)
    assert len(found) == 1 and found[0].startswith(message)


def test_a_row_that_is_reported_is_not_reported_again(folder: Path) -> None:
    found = refused(folder, flow("good: zz, from: shop, to: shop, amount: 5"))
    assert found == ["flows: `amount: 5` has no unit. Write the unit with the number, for example `80 kt/a`."]


def test_faults_of_all_kinds_come_at_once_in_order_of_lines(folder: Path) -> None:
    with pytest.raises(InputError) as error:
        read(
            folder,
            RECIPES + "  r: {in: {ore: 2 t}, out: {metal: 1 t}}\n",
            flow("good: zz, from: shop, to: sorter"),
            fact("given: sold, amount: 5 GJ/a"),
            PROCESSES + "  p: {load: 120 %}\n",
        )
    lines = [problem.line for problem in error.value.problems]
    assert len(lines) == 4 and lines == sorted(lines)


def test_large_tables_are_checked_quickly_even_when_all_rows_are_wrong() -> None:
    flows = pd.DataFrame({"good": "ore", "from": "market", "to": [f"p{n}" for n in range(20_000)]})
    processes = pd.DataFrame({"id": [f"q{n}" for n in range(20_000)]})
    with pytest.raises(InputError) as error:
        fs.from_tables(goods=pd.DataFrame({"id": ["ore"]}), processes=processes, flows=flows)
    assert len(error.value.problems) == 11 and "19990 more rows" in str(error.value)
