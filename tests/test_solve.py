"""`solve`: one answer where the facts fix it; clear words where they do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

import flowsim as fs
from flowsim.errors import Contradiction, Infeasible, Undetermined
from flowsim.result import Result
from flowsim.studies.solve import broken_limits, determine, determines
from flowsim.system import System

Assemble = Callable[[str], System]


@pytest.fixture
def assemble(tmp_path: Path) -> Assemble:
    """Assembles a scenario from its text, without its first lines."""

    def assemble(text: str) -> System:
        path = tmp_path / "case.yaml"
        path.write_text(f"flowsim: 1\nyear: 2025\n{text}", encoding="utf-8")
        return fs.assemble(fs.read(path))

    return assemble


def value(result: Result, flow: str, layer: str = "mass") -> float:
    """One layer of one flow; NaN where it is undetermined."""
    flows = result.flows
    found = flows[(flows["id"] == flow) & (flows["layer"] == layer)]
    return float(found["value"].iloc[0])


def messages(error: Exception) -> list[str]:
    return [problem.message for problem in error.problems]  # type: ignore[attr-defined]


LOOP = """
goods: {a: {name: a}, b: {name: b}, r: {name: r}}
processes: {make: {}, sort: {}}
flows:
  - {id: a, good: a, from: market, to: make, amount: 100 t/a}
  - {id: b, good: b, from: make, to: sort}
  - {id: r, good: r, from: sort, to: make}
  - {id: out, good: b, from: sort, to: landfill}
facts:
  - {id: recycled, transfer: r, at: sort, value: 50 %}
"""


def test_a_loop_is_solved_without_iteration(assemble: Assemble) -> None:
    result = fs.solve(assemble(LOOP))
    assert result.amounts.tolist() == pytest.approx([100, 200, 100, 100])
    assert result.how().tolist() == ["given", "solved", "solved", "solved"]
    assert result.notes == ()


def test_a_loop_that_recycles_all_but_a_millionth_is_still_solved(assemble: Assemble) -> None:
    result = fs.solve(assemble(LOOP.replace("50 %", "99.9999 %")))
    assert value(result, "b") == pytest.approx(1e8, rel=1e-8)
    assert value(result, "out") == pytest.approx(100, rel=1e-8)
    assert result.largest_residual[0] < 1e-12


def test_a_loop_without_exit_is_named(assemble: Assemble) -> None:
    with pytest.raises(Undetermined) as caught:
        fs.solve(assemble(LOOP.replace("50 %", "100 %")))
    (problem,) = caught.value.problems
    assert (
        problem.message
        == "a loop keeps all that enters it, so nothing fixes 2 flows: b, r (through sort, make)."
    )
    assert "Give it an exit" in problem.hint
    assert problem.file.endswith("case.yaml")


def test_a_loop_without_exit_is_named_among_redundant_facts(assemble: Assemble) -> None:
    both = LOOP.replace("50 %", "100 %") + "  - {given: out, amount: 0 t/a}\n"
    with pytest.raises(Undetermined, match="a loop keeps all that enters it, so nothing fixes 2 flows: b, r"):
        fs.solve(assemble(both))


def test_a_loop_that_keeps_a_substance_is_named_with_its_layer(assemble: Assemble) -> None:
    kept = COPPER.replace("98 %", "100 %").replace("90 %", "100 %")
    with pytest.raises(
        Undetermined,
        match=r"fixes 3 flows: scrap\[cu\], metal\[cu\], eol\[cu\] \(through smelter, use, sort\)",
    ):
        fs.solve(assemble(kept))


COPPER = """
layers: {cu: {name: copper}}
goods: {ore: {name: o}, scrap: {name: s}, slag: {name: g}, metal: {name: m}, eol: {name: e}, lost: {name: l}}
contents: {ore: {cu: 0.3 %}}
processes: {smelter: {}, use: {}, sort: {}}
flows:
  - {id: ore, good: ore, from: market, to: smelter, amount: 1000 t/a}
  - {id: scrap, good: scrap, from: sort, to: smelter}
  - {id: slag, good: slag, from: smelter, to: landfill}
  - {id: metal, good: metal, from: smelter, to: use}
  - {id: eol, good: eol, from: use, to: sort}
  - {id: lost, good: lost, from: sort, to: landfill}
facts:
  - {transfer: metal, at: smelter, value: 40 %}
  - {transfer: scrap, at: sort, value: 50 %}
  - {transfer: metal, at: smelter, layer: cu, value: 98 %}
  - {transfer: scrap, at: sort, layer: cu, value: 90 %}
"""


def test_a_substance_builds_up_in_a_loop_by_its_own_coefficients(assemble: Assemble) -> None:
    result = fs.solve(assemble(COPPER))
    # in the loop: metal = 0.98 (3 + 0.9 metal), so 2.94 / 0.118
    assert value(result, "metal", "cu") == pytest.approx(2.94 / 0.118)
    assert value(result, "metal", "mass") == pytest.approx(400 / 0.8)
    assert value(result, "slag", "cu") + value(result, "lost", "cu") == pytest.approx(3)
    assert result.closure("cu")["difference"].abs().max() < 1e-12


def test_a_mixed_process_splits_every_substance_as_it_splits_mass(assemble: Assemble) -> None:
    text = COPPER.replace("sort: {}", "sort: {mixed: true}").replace(
        "  - {transfer: scrap, at: sort, layer: cu, value: 90 %}\n", ""
    )
    result = fs.solve(assemble(text))
    assert value(result, "scrap", "cu") == pytest.approx(0.5 * value(result, "eol", "cu"))


def test_contents_carry_a_substance_where_nothing_separates_it(assemble: Assemble) -> None:
    text = LOOP.replace(
        "goods:", "layers: {cu: {name: copper}}\ncontents: {a: {cu: 2 %}, b: {cu: 2 %}, r: {cu: 2 %}}\ngoods:"
    )
    result = fs.solve(assemble(text))
    assert value(result, "b", "cu") == pytest.approx(4)
    assert any("already say" in note for note in result.notes)


def test_contents_that_cannot_balance_contradict(assemble: Assemble) -> None:
    text = LOOP.replace(
        "goods:", "layers: {cu: {name: copper}}\ncontents: {a: {cu: 2 %}, b: {cu: 3 %}, r: {cu: 2 %}}\ngoods:"
    )
    with pytest.raises(Contradiction) as caught:
        fs.solve(assemble(text))
    assert any(message.startswith("content, ") for message in messages(caught.value))


def test_a_substance_without_coefficients_is_undetermined_by_layer(assemble: Assemble) -> None:
    text = "\n".join(line for line in COPPER.splitlines() if "layer: cu" not in line)
    with pytest.raises(Undetermined) as caught:
        fs.solve(assemble(text))
    (problem,) = caught.value.problems
    names = "scrap[cu], slag[cu], metal[cu], eol[cu], lost[cu]"
    assert problem.message == f"no fact fixes 5 flows of layer cu: {names}."
    assert problem.hint == (
        "2 more facts would, such as a transfer coefficient for cu at smelter or the amount of one of them."
    )


def test_undetermined_flows_are_named_with_the_fact_that_would_fix_them(assemble: Assemble) -> None:
    with pytest.raises(Undetermined) as caught:
        fs.solve(assemble(LOOP.partition("facts:")[0]))
    (problem,) = caught.value.problems
    assert problem.message == "no fact fixes 3 flows: b, r, out."
    assert (
        problem.hint
        == "One more fact would, such as a transfer coefficient at sort or the amount of one of them."
    )


def test_many_undetermined_flows_are_counted(assemble: Assemble) -> None:
    flows = [
        f"  - {{id: f{at}, good: a, from: p, to: {to}}}" for at, to in enumerate(["landfill", "air"] * 10)
    ]
    feed = "  - {id: feed, good: a, from: market, to: p, amount: 1 t/a}"
    with pytest.raises(Undetermined, match=r"no fact fixes 20 flows: f0, .*, f11 and 8 more\.") as caught:
        fs.solve(assemble("\n".join(["goods: {a: {name: a}}", "processes: {p: {}}", "flows:", feed, *flows])))
    assert caught.value.problems[0].hint.startswith("19 more facts would")


RECIPE = """
goods:
  ore: {name: ore}
  water: {name: water, kind: water}
  power: {name: power, kind: energy}
  metal: {name: metal}
  slag: {name: slag, fate: landfill}
recipes:
  smelt: {in: {ore: 1 t, water: 2 m3, power: 3 GJ}, out: {metal: 1 t, slag: 0.5 t, water: 1.5 m3}}
processes:
  smelter: {recipe: smelt, capacity: 200 t/a}
flows:
  - {id: metal, good: metal, from: smelter, to: market, amount: 100 t/a}
"""


def test_a_recipe_brings_water_and_energy_along(assemble: Assemble) -> None:
    result = fs.solve(assemble(RECIPE))
    assert value(result, "power__market__smelter", "energy") == pytest.approx(300)
    assert value(result, "water__market__smelter", "water") == pytest.approx(200)
    assert value(result, "water__market__smelter", "mass") == pytest.approx(200)
    assert value(result, "slag__smelter__landfill") == pytest.approx(50)
    row = result.processes.iloc[0]
    assert (row["activity"], row["load"], row["unit"]) == (pytest.approx(100), pytest.approx(0.5), "t/a")


def test_a_process_that_nothing_drives_is_named(assemble: Assemble) -> None:
    with pytest.raises(Undetermined) as caught:
        fs.solve(assemble(RECIPE.replace(", amount: 100 t/a", "")))
    flows, activity = caught.value.problems
    assert flows.message.startswith("no fact fixes 6 flows: metal, ")
    assert flows.hint == "One more fact would, such as the amount of one of them."
    assert activity.message == "nothing says how much smelter makes."
    assert activity.hint == "State `activity` or `load`, or draw where the product goes."


def test_a_capacity_that_is_passed_is_an_error_at_its_line(assemble: Assemble) -> None:
    with pytest.raises(Infeasible) as caught:
        fs.solve(assemble(RECIPE.replace("200 t/a", "80 t/a")))
    (problem,) = caught.value.problems
    assert problem.message == "activity(smelter) would be 100, above its capacity of 80."
    assert problem.hint == "Raise the one or lower what asks for the other."
    assert problem.line == 13


def test_a_limit_of_a_flow_that_is_passed_is_an_error(assemble: Assemble) -> None:
    text = LOOP.replace(
        "{id: r, good: r, from: sort, to: make}", "{id: r, good: r, from: sort, to: make, limit: 90 t/a}"
    )
    with pytest.raises(Infeasible) as caught:
        fs.solve(assemble(text))
    assert messages(caught.value) == ["r would be 100, above its limit of 90."]


def test_a_minimum_that_is_missed_is_an_error(assemble: Assemble) -> None:
    text = LOOP.replace(
        "{id: r, good: r, from: sort, to: make}", "{id: r, good: r, from: sort, to: make, minimum: 120 t/a}"
    )
    with pytest.raises(Infeasible) as caught:
        fs.solve(assemble(text))
    assert messages(caught.value) == ["r would be 100, below its minimum of 120."]
    assert caught.value.problems[0].hint == "Lower the minimum."


def test_a_share_of_an_input_that_is_passed_is_an_error(assemble: Assemble) -> None:
    flow = "  - {id: dust, good: ore, from: nature, to: smelter, limit: 20 % of ore, amount: 30 t/a}\n"
    with pytest.raises(Infeasible) as caught:
        fs.solve(assemble(RECIPE + flow))
    (problem,) = caught.value.problems
    assert problem.message.startswith("a limit is passed by 10: limit, ore of smelter")
    assert problem.hint == "Raise it, or lower the flow."


def test_a_negative_flow_is_an_error(assemble: Assemble) -> None:
    with pytest.raises(Infeasible) as caught:
        fs.solve(assemble(SPLIT + "facts:\n  - {given: rest, amount: 110 t/a}\n"))
    (problem,) = caught.value.problems
    assert problem.message == "burnt would be negative (-10)."
    assert problem.hint == "More leaves a process than enters it: check the facts around it (C3)."


def test_rounding_of_a_large_loop_is_no_negative_flow(assemble: Assemble) -> None:
    system = assemble(LOOP)
    assert broken_limits(system, np.array([1e9, 1e9, 0.0, -1e-4])) == []
    assert len(broken_limits(system, np.array([1e9, 1e9, 0.0, -0.5]))) == 1


STORE = """
goods: {a: {name: a}}
processes: {heap: {kind: store}}
flows:
  - {id: in, good: a, from: market, to: heap, amount: 100 t/a}
  - {id: out, good: a, from: heap, to: market}
facts:
  - {given: heap, stock_change: -20 t/a}
"""


def test_a_store_gives_what_it_loses(assemble: Assemble) -> None:
    result = fs.solve(assemble(STORE))
    assert value(result, "out") == pytest.approx(120)
    assert result.stocks[["process", "layer", "change", "unit"]].values.tolist() == [
        ["heap", "mass", -20.0, "t/a"]
    ]


def test_a_store_keeps_what_does_not_leave(assemble: Assemble) -> None:
    result = fs.solve(
        assemble(STORE.replace("given: heap, stock_change: -20 t/a", "given: out, amount: 30 t/a"))
    )
    assert result.stocks["change"].tolist() == [pytest.approx(70)]


def test_an_undetermined_store_is_named_with_its_flow(assemble: Assemble) -> None:
    with pytest.raises(Undetermined) as caught:
        fs.solve(assemble(STORE.partition("facts:")[0]))
    assert messages(caught.value) == ["no fact fixes 2 flows: out, stock_change(heap)."]


SPLIT = """
goods: {a: {name: a}}
processes: {p: {}, far: {}}
flows:
  - {id: in, good: a, from: market, to: p, amount: 100 t/a}
  - {id: burnt, good: a, from: p, to: air, limit: 30 t/a}
  - {id: rest, good: a, from: p, to: landfill}
  - {id: far_in, good: a, from: market, to: far, amount: 7 t/a}
  - {id: far_out, good: a, from: far, to: market}
"""


def test_without_throw_undetermined_flows_are_missing_with_their_interval(assemble: Assemble) -> None:
    result = fs.solve(assemble(SPLIT), throw=False)
    assert np.isnan(value(result, "burnt")) and np.isnan(value(result, "rest"))
    assert value(result, "far_out") == pytest.approx(7)
    assert result.how().tolist() == ["given", "undetermined", "undetermined", "given", "solved"]
    assert result.low[[1, 2]].tolist() == pytest.approx([0, 70])
    assert result.high[[1, 2]].tolist() == pytest.approx([30, 100])
    assert np.isnan(result.low[[0, 3, 4]]).all()


def test_without_throw_an_unlimited_flow_may_be_of_any_size(assemble: Assemble) -> None:
    result = fs.solve(assemble(LOOP.partition("facts:")[0]), throw=False)
    assert result.low[:4].tolist() == pytest.approx([np.nan, 100, 0, 100], nan_ok=True)
    assert result.high[1] == np.inf


def test_without_throw_a_broken_limit_is_a_note(assemble: Assemble) -> None:
    result = fs.solve(assemble(RECIPE.replace("200 t/a", "80 t/a")), throw=False)
    assert value(result, "metal") == 100
    assert "activity(smelter) would be 100, above its capacity of 80." in result.notes[0]


def test_facts_that_say_the_same_twice_are_noted(assemble: Assemble) -> None:
    result = fs.solve(assemble(LOOP + "  - {given: b, amount: 200 t/a}\n  - {given: r, amount: 100 t/a}\n"))
    assert value(result, "b") == pytest.approx(200)
    (note,) = result.notes
    assert note.startswith("2 rows repeat what the others already say: ")


def test_many_repetitions_are_counted(assemble: Assemble) -> None:
    flows = "".join(f"  - {{given: b, id: again_{at}, amount: 200 t/a}}\n" for at in range(8))
    (note,) = fs.solve(assemble(LOOP + flows)).notes
    assert note.startswith("8 rows repeat") and note.endswith(" and 3 more.")


def test_redundant_facts_may_differ_by_rounding_and_balances_still_close(assemble: Assemble) -> None:
    result = fs.solve(assemble(LOOP + "  - {given: b, amount: 200.00001 t/a}\n"))
    assert "1 row repeats what the others already say, to within 2e-08 of their amount: " in result.notes[0]
    assert result.closure()["share"].abs().max() < 1e-15


def test_redundant_facts_that_differ_by_more_than_rounding_contradict(assemble: Assemble) -> None:
    with pytest.raises(Contradiction) as caught:
        fs.solve(assemble(LOOP + "  - {given: b, amount: 200.1 t/a}\n"))
    head, *rows = caught.value.problems
    assert head.message.startswith("3 facts cannot all hold; the gap is ")
    assert head.hint == "Mend or drop one of those listed here."
    assert {row.message.split(":")[0] for row in rows[:3]} == {
        "given, a",
        "given, b (mass)",
        "transfer coefficient, r of sort (mass)",
    }


def test_the_same_amount_stated_twice_differently_names_both_lines(assemble: Assemble) -> None:
    with pytest.raises(Contradiction) as caught:
        fs.solve(assemble(LOOP + "  - {given: a, amount: 103 t/a}\n"))
    head, *rows = caught.value.problems
    assert head.message == "2 facts cannot all hold; the gap is 3."
    assert [row.line for row in rows] == [7, 13]


def chain(count: int, stated: dict[str, float]) -> System:
    """Processes in a row, each losing 1 %, every fifth sending 20 % back by seven."""
    places = [f"p{at}" for at in range(count)]
    back = range(7, count, 5)
    flows = [("in", "market", "p0", 100.0)]
    flows += [(f"f{at}", f"p{at}", f"p{at + 1}", np.nan) for at in range(count - 1)]
    flows += [(f"b{at}", f"p{at}", f"p{at - 7}", np.nan) for at in back]
    flows += [(f"l{at}", f"p{at}", "landfill", np.nan) for at in range(count)]
    facts = [(f"b{at}", f"p{at}", 0.2, "", np.nan) for at in back]
    facts += [(f"l{at}", f"p{at}", 0.01, "", np.nan) for at in range(count - 1)]
    facts += [("", "", np.nan, name, amount) for name, amount in stated.items()]
    return fs.assemble(
        fs.from_tables(
            goods=pd.DataFrame({"id": ["g"]}),
            processes=pd.DataFrame({"id": places}),
            flows=pd.DataFrame(flows, columns=["id", "from", "to", "amount"]).assign(good="g"),
            facts=pd.DataFrame(facts, columns=["transfer", "at", "value", "given", "amount"]),
        )
    )


@pytest.fixture(scope="module")
def chain_amounts() -> dict[str, float]:
    result = fs.solve(chain(500, {}))
    return dict(zip(result.system.flows["id"], result.amounts, strict=True))


def test_a_conflict_among_500_processes_names_a_small_set(chain_amounts: dict[str, float]) -> None:
    stated = {"f100": chain_amounts["f100"], "l100": chain_amounts["l100"] * 1.1}
    with pytest.raises(Contradiction) as caught:
        fs.solve(chain(500, stated))
    head, *rows = messages(caught.value)
    assert head.startswith("3 facts cannot all hold; the gap is ")
    assert len(rows) == 4
    assert all("100" in row for row in rows)


def test_one_wrong_fact_among_499_is_found_with_its_neighbour(chain_amounts: dict[str, float]) -> None:
    stated = {f"f{at}": chain_amounts[f"f{at}"] * (1.1 if at == 300 else 1.0) for at in range(499)}
    with pytest.raises(Contradiction) as caught:
        fs.solve(chain(500, stated))
    rows = messages(caught.value)[1:]
    assert len(rows) <= 5
    assert any("f300 = " in row and row.startswith("given") for row in rows)


def test_a_conflict_through_hundreds_of_facts_lists_the_given_first_and_counts_the_rest(
    chain_amounts: dict[str, float],
) -> None:
    with pytest.raises(Contradiction) as caught:
        fs.solve(
            chain(500, {"f499": 0.0} if "f499" in chain_amounts else {"f400": chain_amounts["f400"] * 2})
        )
    head, *rows = messages(caught.value)
    assert "facts cannot all hold" in head
    assert [row.split(",")[0] for row in rows[:3]] == ["given", "given", "transfer coefficient"]
    assert rows[-1].startswith("and ") and rows[-1].endswith("more rows that tie these together.")


def test_a_conflict_leaves_out_facts_elsewhere(assemble: Assemble) -> None:
    text = SPLIT + "facts:\n  - {given: burnt, amount: 20 t/a}\n  - {given: rest, amount: 90 t/a}\n"
    with pytest.raises(Contradiction) as caught:
        fs.solve(assemble(text))
    head, *rows = messages(caught.value)
    assert head == "3 facts cannot all hold; the gap is 10."
    assert not any("far" in row for row in rows)


def test_the_widest_of_several_conflicts_is_reported(assemble: Assemble) -> None:
    text = SPLIT + "facts:\n  - {given: in, amount: 101 t/a}\n  - {given: far_in, amount: 60 t/a}\n"
    with pytest.raises(Contradiction) as caught:
        fs.solve(assemble(text + "  - {given: rest, amount: 80 t/a}\n"))
    assert messages(caught.value)[0] == "2 facts cannot all hold; the gap is 53."


def test_no_row_of_a_conflict_can_be_left_out() -> None:
    system = chain(8, {"f3": 50.0, "f5": 49.0, "l7": 1.0})
    with pytest.raises(Contradiction) as caught:
        fs.solve(system)
    texts = [system.row_text(row) for row in range(system.matrix.shape[0])]
    named = [texts.index(message) for message in messages(caught.value)[1:]]
    dense = np.column_stack([system.matrix.toarray(), system.rhs])[named]
    assert np.linalg.matrix_rank(dense[:, :-1]) == len(named) - 1 < np.linalg.matrix_rank(dense)
    for row in range(len(named)):
        rest = np.delete(dense, row, axis=0)
        assert np.linalg.matrix_rank(rest[:, :-1]) == len(named) - 1


def test_a_contradiction_is_found_beside_undetermined_flows(assemble: Assemble) -> None:
    with pytest.raises(Contradiction, match="2 facts cannot all hold; the gap is 1"):
        fs.solve(assemble(SPLIT + "facts:\n  - {given: far_in, amount: 8 t/a}\n"), throw=False)


def test_determine_gives_back_the_rows_and_columns_that_it_used() -> None:
    system = chain(50, {})
    part = determine(system.matrix, system.rhs)
    np.testing.assert_allclose(system.matrix @ part.x, system.rhs, atol=1e-9)
    np.testing.assert_allclose(part.factor.solve(system.rhs), part.x)


def test_what_is_said_twice_is_noted_in_chinese_too() -> None:
    path = Path(__file__).parents[1] / "scenarios" / "battery_stocks.yaml"
    result = fs.solve(fs.assemble(fs.read(path)))
    assert result.all_notes("en")[0].startswith("5 rows repeat") and "含量" in result.all_notes("zh")[0]


@pytest.mark.parametrize(
    ("rows", "regular"),
    [
        ([[1.0, -1.0], [-1.0, 1.0]], False),
        ([[1.0, -1.0], [-0.9, 1.0]], True),
        ([[0.0, 1.0], [0.0, 1.0]], False),
    ],
)
def test_a_block_is_determined_by_its_numbers_and_not_by_its_pattern(
    rows: list[list[float]], regular: bool
) -> None:
    assert determines(csc_array(np.array(rows))) is regular
