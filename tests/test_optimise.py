"""`optimise`: hand-solved parks, brute force over all sets of links, laws, and every message."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from scipy.optimize import linprog

from flowsim.assemble import assemble
from flowsim.cli import main
from flowsim.errors import Infeasible, InputError
from flowsim.indicators import evaluate, known
from flowsim.scenario import Scenario, example, read
from flowsim.studies import balance
from flowsim.studies.conflict import conflict
from flowsim.symbiosis.case import columns_of, limited
from flowsim.symbiosis.limits import binding, ranges, what_binds
from flowsim.symbiosis.optimise import Optimum, best, optimise
from flowsim.symbiosis.pareto import pareto
from flowsim.symbiosis.rebalance import rebalanced
from flowsim.symbiosis.written import variant_name, variant_text, write
from flowsim.views.optimise_text import (
    front_grids,
    limit_grid,
    optimum_grids,
    optimum_notes,
    stated_grid,
    worth_text,
)

HEAD = """
flowsim: 1
name: test
year: 2025
goods:
  ore: {name: ore, class: mineral}
  clay: {name: clay, class: mineral}
  metal: {name: metal, class: product}
  brick: {name: brick, class: product}
  ash: {name: ash, class: solid_waste, fate: landfill}
recipes:
  smelting: {name: smelting, in: {ore: 1 t}, out: {metal: 0.6 t, ash: 0.4 t}, reference: ore}
  brickmaking: {name: brickmaking, in: {clay: 1 t}, out: {brick: 1 t}}
prices:
  ore: {price: 100 CNY/t, year: 2020}
  clay: {price: 10 CNY/t, year: 2020}
  metal: {price: 1000 CNY/t, year: 2020}
  brick: {price: 50 CNY/t, year: 2020}
  ash: {price: -20 CNY/t, year: 2020}
substitutes:
  - {good: ash, replaces: clay, recipe: brickmaking, ratio: 1, max_share: 50 %}
"""
TWO = (
    HEAD
    + """
processes:
  smelter: {recipe: smelting, activity: 100 t/a, firm: a}
  near: {recipe: brickmaking, activity: 40 t/a, capacity: 40 t/a, firm: b}
  far: {recipe: brickmaking, activity: 80 t/a, firm: c}
links:
  ash_to_near: {good: ash, from: smelter, to: near, limit: 15 t/a, cost: 2 CNY/t, fixed_cost: 100 CNY/a}
  ash_to_far: {good: ash, from: smelter, to: far, cost: 12 CNY/t, fixed_cost: 300 CNY/a}
"""
)
"""40 t/a of ash; near takes at most 15, far at most 40. One t saves 20 of landfill fee and 10 of clay."""


def written_scenario(tmp_path: Path, text: str, name: str = "park.yaml") -> Scenario:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read(path)


@pytest.fixture
def two(tmp_path: Path) -> Scenario:
    return written_scenario(tmp_path, TWO)


def amounts(optimum: Optimum) -> dict[str, float]:
    return {
        name: float(amount)
        for name, amount, on in zip(optimum.case.links, optimum.balanced, optimum.opened, strict=True)
        if on
    }


# ---- by hand ----


def test_the_least_cost_opens_what_pays_for_itself(two: Scenario) -> None:
    # both: 15 x 28 + 25 x 18 − 400 = 470; far alone: 40 x 18 − 300 = 420; near alone: 15 x 28 − 100 = 320
    found = optimise(two, objective="cost")
    assert amounts(found) == pytest.approx({"ash_to_near": 15, "ash_to_far": 25})
    assert found.before - found.after == pytest.approx(470)
    assert found.planned == pytest.approx(found.after)
    assert found.bound == pytest.approx(found.after)
    assert found.unlinked == pytest.approx(found.before)
    assert what_binds(found) == ("limit", "supply")


def test_one_link_is_the_best_one(two: Scenario) -> None:
    found = optimise(two, objective="cost", max_links=1)
    assert amounts(found) == pytest.approx({"ash_to_far": 40})
    assert found.before - found.after == pytest.approx(420)


def test_a_budget_counts_fixed_cost_and_cost_per_unit(two: Scenario) -> None:
    # 130 buys the near link (100) and all of its 15 t at 2
    found = optimise(two, objective="waste", budget=130)
    assert amounts(found) == pytest.approx({"ash_to_near": 15})
    # 120 is enough for 10 t
    assert amounts(optimise(two, objective="waste", budget=120)) == pytest.approx({"ash_to_near": 10})
    assert amounts(optimise(two, objective="waste", budget=0)) == {}


def test_a_minimum_holds_only_for_an_open_link(tmp_path: Path) -> None:
    text = TWO.replace("limit: 15 t/a", "limit: 15 t/a, minimum: 15 t/a")
    scenario = written_scenario(tmp_path, text)
    assert amounts(optimise(scenario, objective="waste", budget=120)) == {}
    assert amounts(optimise(scenario, objective="waste", budget=130)) == pytest.approx({"ash_to_near": 15})


def test_a_link_through_a_treatment_pays_for_what_is_lost_on_the_way(tmp_path: Path) -> None:
    text = HEAD.replace("  ash: {name", "  powder: {name: powder, class: by_product}\n  ash: {name")
    grinding = "{name: grinding, kind: utilise, in: {ash: 1 t}, out: {powder: 1 t}, reference: ash}"
    text = text.replace("  brickmaking:", f"  grinding: {grinding}\n  brickmaking:")
    text = text.replace("prices:", "prices:\n  powder: {price: 3 CNY/t, year: 2020}")
    text = text.replace("{good: ash, replaces: clay", "{good: powder, replaces: clay")
    text += """
processes:
  smelter: {recipe: smelting, activity: 100 t/a}
  kiln: {recipe: brickmaking, activity: 40 t/a}
links:
  way: {good: ash, from: smelter, to: kiln, through: grinding, loss: 10 %, cost: 1 CNY/t, fixed_cost: 5 CNY/a}
"""
    found = optimise(written_scenario(tmp_path, text), objective="cost")
    # all 40 t are sent and 36 arrive: 20 fill half of the kiln, 16 are sold; the loss still pays the fee
    assert amounts(found) == pytest.approx({"way": 36})
    gain = 36 * 20 + 20 * 10 + 16 * 3 - 40 * 1 - 5
    assert found.before - found.after == pytest.approx(gain)
    name = write(found, tmp_path / "treated.yaml")
    again = balance(assemble(read(tmp_path / "treated.yaml", name)))
    assert again.amounts == pytest.approx(found.result.amounts)


def test_waste_is_the_figure_of_its_indicator(two: Scenario) -> None:
    found = optimise(two, objective="waste")
    assert found.before == pytest.approx(40)
    assert found.after == pytest.approx(0, abs=1e-9)
    value = evaluate(found.result, ["general.solid_waste_landfilled"])[0].value
    assert value == pytest.approx(found.after, abs=1e-9)


def test_a_ratio_by_dinkelbach(two: Scenario) -> None:
    # 40 t used of 40 t made
    found = optimise(two, objective="cn.isw_utilisation_rate")
    assert (found.before, found.after) == pytest.approx((0, 100))
    found = optimise(two, objective="general.recycled_input_rate", max_links=1)
    value = evaluate(found.result, ["general.recycled_input_rate"])[0].value
    assert amounts(found) == pytest.approx({"ash_to_far": 40})
    assert found.after == pytest.approx(value)
    assert found.after == pytest.approx(found.bound)
    assert found.after > found.before


def test_the_bound_of_a_ratio_is_proved_by_its_last_step(two: Scenario) -> None:
    found = optimise(two, objective="general.recycled_input_rate", max_links=1)
    top, bottom = columns_of(found.case, found.objective)
    assert bottom is not None
    programme = limited(found.case, found.case.programme, None, 1)
    rate = found.bound / found.objective.scale
    # more of it is better: no answer has N − q D above 0 for q at the bound, and some has for a lower q
    assert programme.minimise(-(top - rate * bottom)).value >= -1e-6
    assert programme.minimise(-(top - 0.99 * rate * bottom)).value < -1e-3
    assert found.planned <= found.bound * (1 + 1e-9) and found.gap < 1e-6
    # branch and bound that stops early never claims more than the best
    loose = best(found.case, found.objective, programme, gap=0.5)
    assert -loose.bound >= rate * (1 - 1e-6)


def test_shadow_prices_are_what_moving_the_limit_brings(tmp_path: Path) -> None:
    text = TWO.replace("activity: 100 t/a", "activity: 200 t/a").replace(", fixed_cost: 100 CNY/a", "")
    found = optimise(written_scenario(tmp_path, text), objective="waste")
    # 80 t/a of ash: near takes 15, far 40; one more t on the near link is one t less on the landfill
    (near, far) = sorted(binding(found), key=lambda limit: limit.name, reverse=True)
    assert (near.name, near.kind, near.limit, near.unit) == ("ash_to_near", "link", 15, "t/a")
    assert near.worth == pytest.approx(-1)
    assert near.dual == pytest.approx(-1)
    assert (far.name, far.kind) == ("ash_to_far", "row")
    assert worth_text(found, near, "en") == (
        "one more t/a of the limit of ash (smelting → brickmaking) saves 1.00 t/a of"
        " solid waste landfilled or disposed of"
    )
    assert "每增加1 t/a" in worth_text(found, near, "zh")


def test_links_that_could_be_exchanged_are_reported(tmp_path: Path) -> None:
    text = TWO.replace("limit: 15 t/a, ", "").replace("cost: 2 CNY/t, fixed_cost: 100 CNY/a", "cost: 2 CNY/t")
    text = text.replace("cost: 12 CNY/t, fixed_cost: 300 CNY/a", "cost: 12 CNY/t")
    found = optimise(written_scenario(tmp_path, text), objective="waste")
    spread, unseen = ranges(found)
    # 40 t to near (at most 20) and far (at most 40): 0 to 20, and 20 to 40
    assert {item.link: (item.low, item.high) for item in spread} == {
        "ash_to_near": pytest.approx((0, 20), abs=1e-6),
        "ash_to_far": pytest.approx((20, 40)),
    }
    assert unseen == 0


def test_the_front_is_convex_and_beats_the_base(two: Scenario) -> None:
    front = pareto(two, ["cost", "waste"], points=5)
    first, second = (
        np.array(part) for part in zip(*[(p.first, p.second) for p in front.points], strict=True)
    )
    assert (np.diff(first) > 0).all() and (np.diff(second) < 0).all() or len(front.points) == 1
    assert first.min() <= front.base[0] and second.min() <= front.base[1]
    assert front.points[-1].second == pytest.approx(0, abs=1e-6)
    assert list(front.table.columns) == ["cost", "waste", "links", "open"]


# ---- no nonsense ----

GUARDED = (
    (
        HEAD.replace(
            "substitutes:",
            """  steel: {price: 500 CNY/t, year: 2020}
substitutes:""",
        ).replace("  ash: {name", "  steel: {name: steel, class: product}\n  ash: {name")
        + """
  - {good: ash, replaces: clay, recipe: brickmaking, ratio: 1, max_share: 50 %}
processes:
  smelter: {recipe: smelting, capacity: 500 t/a, firm: a}
  maker: {recipe: casting, activity: 60 t/a, firm: b}
  kiln: {recipe: brickmaking, activity: 10 t/a, firm: c}
flows:
  - {good: metal, from: smelter, to: maker, limit: 500 t/a}
links:
  ash_to_kiln: {good: ash, from: smelter, to: kiln}
"""
    )
    .replace(
        "  brickmaking: {name: brickmaking,",
        "  casting: {name: casting, in: {metal: 1 t}, out: {steel: 1 t}}\n  brickmaking: {name: brickmaking,",
    )
    .replace(
        """  - {good: ash, replaces: clay, recipe: brickmaking, ratio: 1, max_share: 50 %}

  - {good: ash""",
        """  - {good: ash""",
    )
    .replace("reference: ore", "reference: metal")
)


def test_a_plant_is_not_idled_to_save_its_waste(tmp_path: Path) -> None:
    scenario = written_scenario(tmp_path, GUARDED)
    held, free = (optimise(scenario, objective="waste", free_activities=free) for free in (False, True))
    # 60 t of metal bring 40 t of ash, of which the kiln takes 5; buying the metal would bring none
    assert (held.before, held.planned, held.unlinked) == pytest.approx((40, 35, 40))
    assert free.planned == pytest.approx(0, abs=1e-6)
    # the order of merit would take the metal from inside: the variant states that the maker does not
    assert free.after == pytest.approx(0, abs=1e-6)
    stated = free.balance.stated
    assert list(stated) == ["metal__smelter__maker"] and stated["metal__smelter__maker"]["limit"] < 1e-6
    text = stated_grid(free, "zh")
    assert text.rows[0][-1] == "上限"


def test_no_free_lunch_mass_closes_in_every_answer() -> None:
    for name in ("nickel_loop", "construction_waste"):
        found = optimise(example(name).with_variant("as_planned"), objective="waste")
        assert found.result.largest_residual[0] < 1e-9
        closure = found.result.closure("mass")
        assert (closure["share"].abs() < 1e-6).all()
        x = found.answer.x[: found.programme.unknowns]
        system = found.case.system
        size = abs(system.matrix) @ np.abs(x) + np.abs(system.rhs)
        assert (np.abs(system.matrix @ x - system.rhs) <= 1e-7 * np.maximum(size, 1)).all()
        assert found.after == pytest.approx(found.planned, rel=1e-6)


# ---- brute force ----


def random_park(seed: int) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two or three smelters, two kilns, a link between each: YAML, ash, room, limits, gains, fixed costs."""
    draw = np.random.default_rng(seed)
    smelters, kilns = int(draw.integers(2, 4)), 2
    ash = draw.integers(5, 40, smelters).astype(float)
    room = draw.integers(10, 60, kilns).astype(float)
    limit = draw.integers(5, 40, (smelters, kilns)).astype(float)
    cost = draw.integers(0, 36, (smelters, kilns)).astype(float)
    fixed = draw.integers(0, 300, (smelters, kilns)).astype(float)
    lines = [HEAD, "processes:"]
    lines += [f"  s{at}: {{recipe: smelting, activity: {2.5 * ash[at]} t/a}}" for at in range(smelters)]
    lines += [f"  k{at}: {{recipe: brickmaking, activity: {2 * room[at]} t/a}}" for at in range(kilns)]
    lines.append("links:")
    for s, k in itertools.product(range(smelters), range(kilns)):
        body = f"good: ash, from: s{s}, to: k{k}, limit: {limit[s, k]} t/a, cost: {cost[s, k]} CNY/t"
        lines.append(f"  l{s}_{k}: {{{body}, fixed_cost: {fixed[s, k]} CNY/a}}")
    return "\n".join(lines), ash, room, limit, 30 - cost, fixed


@pytest.mark.parametrize("seed", range(4))
def test_brute_force_over_all_sets_of_links_finds_no_better(tmp_path: Path, seed: int) -> None:
    text, ash, room, limit, gain, fixed = random_park(seed)
    scenario = written_scenario(tmp_path, text)
    shape = limit.shape
    rows = [np.kron(np.eye(shape[0])[s], np.ones(shape[1])) for s in range(shape[0])]
    rows += [np.kron(np.ones(shape[0]), np.eye(shape[1])[k]) for k in range(shape[1])]
    most = np.concatenate([ash, room])
    best = {count: 0.0 for count in (2, limit.size)}
    for chosen in itertools.product((0, 1), repeat=limit.size):
        bounds = [(0, top * on) for top, on in zip(limit.ravel(), chosen, strict=True)]
        found = linprog(-gain.ravel(), rows, most, bounds=bounds)
        saved = -found.fun - float(fixed.ravel() @ chosen)
        for count in best:
            if sum(chosen) <= count:
                best[count] = max(best[count], saved)
    for count, saved in best.items():
        found = optimise(scenario, objective="cost", max_links=count)
        assert found.before - found.planned == pytest.approx(saved, abs=1e-4)
        assert found.before - found.after == pytest.approx(saved, abs=1e-3)
        assert found.opened.sum() <= count


# ---- laws ----


@pytest.mark.parametrize("objective", ["cost", "waste", "virgin"])
def test_more_candidates_and_higher_limits_never_worsen(tmp_path: Path, objective: str) -> None:
    text = random_park(11)[0]
    scenario = written_scenario(tmp_path, text)
    names = list(scenario.tables["links"]["id"])
    values = [
        optimise(scenario, objective=objective, links=names[:count]).planned for count in (1, 3, len(names))
    ]
    assert values == sorted(values, reverse=True) or np.ptp(values) < 1e-6
    without = text.replace("limit: ", "distance: 1 km, limit: 10")
    assert (
        optimise(written_scenario(tmp_path, without, "more.yaml"), objective=objective).planned
        <= values[-1] + 1e-6
    )


def test_the_objective_scales_with_the_park(tmp_path: Path) -> None:
    one = optimise(
        written_scenario(tmp_path, TWO.replace("fixed_cost", "distance: 1 km, fixed_cost")), objective="cost"
    )
    text = TWO.replace(" t/a", "e3 t/a").replace("100 CNY/a", "1e5 CNY/a").replace("300 CNY/a", "3e5 CNY/a")
    thousand = optimise(written_scenario(tmp_path, text, "large.yaml"), objective="cost")
    assert thousand.before - thousand.planned == pytest.approx(1000 * (one.before - one.planned), rel=1e-6)


def test_the_same_input_gives_the_same_answer(two: Scenario) -> None:
    one, other = (optimise(two, objective="cost") for _ in range(2))
    assert (one.answer.x == other.answer.x).all()


# ---- the written variant ----


def test_the_written_variant_gives_the_balanced_answer(two: Scenario, tmp_path: Path) -> None:
    found = optimise(two, objective="cost")
    name = write(found, tmp_path / "best.yaml")
    again = balance(assemble(read(tmp_path / "best.yaml", name)))
    assert again.amounts == pytest.approx(found.result.amounts)
    assert "ash_to_near: {limit: 15 t/a, prefer: 0.5}" in variant_text(found)


@pytest.mark.parametrize(("variant", "objective"), [("all", "waste"), ("cdw_loop", "cost")])
def test_the_variant_states_what_the_programme_divides_otherwise(variant: str, objective: str) -> None:
    scenario = example("construction_waste").with_variant(variant)
    found = optimise(scenario, objective=objective)
    # the merit order alone reaches 0 and 63 % of the gain of the programme
    assert found.before - found.after == pytest.approx(found.before - found.planned, rel=1e-6)
    assert found.balance.stated and not found.balance.dropped
    name = variant_name(found)
    lines = yaml.safe_load(variant_text(found))[name]
    assert {**lines.get("flows", {}), **lines.get("links", {})}.keys() >= found.balance.stated.keys()


def test_an_answer_that_is_worse_than_the_base_leaves_links_out(two: Scenario) -> None:
    goal_case = optimise(two, objective="cost")
    case, goal = goal_case.case, goal_case.objective
    # the far link costs more in a year than its 2 t bring: 2 x 18 < 300; the near one pays
    x = goal_case.answer.x.copy()
    x[case.at] = [4.0, 2.0]
    found = rebalanced(case, goal, x, goal_case.planned)
    assert found.dropped == ("ash_to_far",)
    assert goal_case.before - found.value == pytest.approx(4 * 28 - 100)
    x[case.at] = [1.0, 1.0]
    found = rebalanced(case, goal, x, goal_case.planned)
    assert set(found.dropped) == {"ash_to_near", "ash_to_far"}
    assert found.value == goal_case.before and found.result is case.base
    shown = " ".join(optimum_notes(replace(goal_case, balance=found), 0, "zh"))
    assert "已舍去：ash_to_near, ash_to_far" in shown


def test_a_variant_joins_those_that_the_file_has(tmp_path: Path) -> None:
    text = TWO + "variants:\n  small: {processes: {smelter: {activity: 50 t/a}}}\n"
    path = tmp_path / "park.yaml"
    path.write_text(text, encoding="utf-8")
    found = optimise(read(path, "small"), objective="waste")
    assert write(found, tmp_path / "more.yaml") == "best_waste"
    again = read(tmp_path / "more.yaml", "best_waste")
    assert set(again.variant_names) == {"small", "best_waste"}
    assert balance(assemble(again)).amounts == pytest.approx(found.result.amounts)


# ---- messages ----


def message(error: pytest.ExceptionInfo[Exception]) -> str:
    return str(error.value)


def test_every_message(two: Scenario, tmp_path: Path) -> None:
    worked_out = next(item.id for item in known() if item.direct and item.better)
    for wrong, said in (
        (dict(budget=-1.0), "is less than nothing"),
        (dict(objective="coste"), "there is no objective `coste`"),
        (dict(objective="cn.nothing"), "there is no indicator `cn.nothing`"),
        (dict(links=["ash_to_nea"]), "link `ash_to_nea` does not exist"),
        (dict(objective=worked_out), "no linear programme"),
        (dict(objective="network.fci"), "does not say whether more or less"),
        (dict(objective="eu.resource_productivity"), "could fall to 0"),
    ):
        with pytest.raises(InputError) as error:
            optimise(two, **wrong)  # type: ignore[arg-type]
        assert said in message(error)
    with pytest.raises(InputError) as error:
        pareto(two, ["cost"])
    assert "two different objectives" in message(error)
    with pytest.raises(InputError) as error:
        pareto(two, ["cost", "waste"], points=1)
    assert "at least two points" in message(error)
    with pytest.raises(InputError) as error:
        pareto(two, ["cost", "eu.resource_productivity"])
    assert "is a ratio" in message(error)
    found = optimise(two, objective="waste")
    for path, said in (
        (tmp_path / "park.yaml", "this is the scenario itself"),
        (tmp_path.parent / "x.yaml", "the folder is not that of the scenario"),
    ):
        with pytest.raises(InputError) as error:
            write(found, path)
        assert said in message(error)


def test_a_scenario_without_a_closed_link_is_refused(tmp_path: Path) -> None:
    scenario = written_scenario(tmp_path, TWO.replace("good: ash, from", "open: true, good: ash, from"))
    with pytest.raises(InputError, match="no closed link"):
        optimise(scenario)
    with pytest.raises(InputError, match="is open already"):
        optimise(scenario, links=["ash_to_far"])


def test_a_missing_price_is_named(tmp_path: Path) -> None:
    text = TWO.replace("  clay: {price: 10 CNY/t, year: 2020}\n", "")
    with pytest.raises(InputError, match="no price for clay"):
        optimise(written_scenario(tmp_path, text), objective="cost")


def test_a_base_without_an_answer_says_what_lacks(tmp_path: Path) -> None:
    text = TWO.replace("capacity: 40 t/a", "capacity: 30 t/a")
    with pytest.raises(Infeasible):
        optimise(written_scenario(tmp_path, text))


def opened(text: str) -> str:
    return text.replace("good: ash, from", "open: true, good: ash, from").replace("limit: 15 t/a, ", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            # 100 t/a of smelting leave 40 t/a of ash, the links ask for 48
            opened(TWO)
            .replace("to: near,", "to: near, minimum: 18 t/a,")
            .replace("to: far,", "to: far, minimum: 30 t/a,"),
            ("activity(smelter) = 100", "minimum of ash_to_near: 18 t/a", "minimum of ash_to_far: 30 t/a"),
        ),
        (
            # at most half of the 40 t/a that near can make
            opened(TWO).replace("to: near,", "to: near, minimum: 25 t/a,"),
            ("ash_to_near ≤ 0.5", "capacity of near: 40 t/a", "minimum of ash_to_near: 25 t/a"),
        ),
    ],
)
def test_limits_without_an_answer_name_the_smallest_set_with_its_lines(
    tmp_path: Path, text: str, said: tuple[str, ...]
) -> None:
    scenario = written_scenario(tmp_path, text)
    problems = conflict(assemble(scenario))
    assert len(problems) == 1 + len(said) and problems[0].message.startswith(f"{len(said)} stated numbers")
    for line in said:
        mine = [problem for problem in problems if line in problem.message]
        assert len(mine) == 1 and mine[0].file.endswith("park.yaml")
        name = next(name for name in ("ash_to_near", "ash_to_far", "smelter", "near") if name in line)
        assert f"  {name}: {{" in text.splitlines()[mine[0].line - 1]
    with pytest.raises(Infeasible, match="leave no answer together"):
        balance(assemble(scenario))


def test_a_system_with_an_answer_has_no_conflict(two: Scenario) -> None:
    assert conflict(assemble(two)) == []


# ---- on the command line ----


def test_the_command_in_both_languages_and_as_json(two: Scenario, tmp_path: Path) -> None:
    run = CliRunner().invoke
    file = str(tmp_path / "park.yaml")
    done = run(main, ["optimise", file, "--objective", "waste", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "Links to open (1)" in done.output or "Links to open (2)" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"optimum.json", "links.csv"}
    done = run(main, ["optimise", file, "--lang", "zh", "--write", str(tmp_path / "w.yaml")])
    assert "应开通的链接" in done.output and "best_cost" in done.output
    done = run(main, ["optimise", file, "--json", "--budget", "400 CNY"])
    assert json.loads(done.output)["kind"] == "optimum"
    texts = ("400 CNY", "0.0004 M CNY", "0.04 万元", "0.04万元/年", "0.000004 亿元", "0.0004 million CNY")
    found = [json.loads(run(main, ["optimise", file, "--json", "--budget", text]).output) for text in texts]
    assert [each["options"]["budget"] for each in found] == pytest.approx([400.0] * len(texts))
    for wrong in ("50", "-3 CNY", "50 Mt-CNY", "5 CNY/t"):
        done = run(main, ["optimise", file, f"--budget={wrong}"])
        assert (done.exit_code, "is no amount of money" in done.output) == (2, True), wrong
    done = run(main, ["optimise", file, "--budget", "3 t"])
    assert (done.exit_code, "is no amount of money" in done.output) == (2, True)
    done = run(main, ["optimise", file, "--pareto", "cost,waste", "--points", "3", "--lang", "zh"])
    assert "帕累托前沿" in done.output and "前沿上的链接" in done.output
    for form, head in (("svg", b"<"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("html", b"<")):
        picture = tmp_path / f"front.{form}"
        done = run(main, ["optimise", file, "--pareto", "cost,waste", "--points", "2", "-o", str(picture)])
        assert done.exit_code == 0 and picture.read_bytes().startswith(head), done.output
    for wrong, said in (
        (["-o", "front.svg"], "no front is asked for"),
        (["--pareto", "cost,waste", "-o", "front.txt"], "is no picture"),
        (["--pareto", "cost,waste", "--shares"], "are about one answer"),
    ):
        done = run(main, ["optimise", file, *wrong])
        assert (done.exit_code, said in done.output) == (2, True), done.output


def test_tables_name_everything_in_both_languages(two: Scenario) -> None:
    found = optimise(two, objective="cost", max_links=1)
    for lang in ("en", "zh"):
        grids = [*optimum_grids(found, what_binds(found), lang), limit_grid(found, binding(found), lang)]
        grids += front_grids(pareto(two, ["cost", "waste"], points=3), lang)
        assert all(len(row) == len(grid.columns) for grid in grids for row in grid.rows)
