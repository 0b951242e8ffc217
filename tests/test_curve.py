"""Links in the order of what a tonne avoided costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import flowsim as fs
from flowsim.cli import main
from flowsim.errors import InputError
from flowsim.indicators import evaluate
from flowsim.indicators.ledger import with_open
from flowsim.symbiosis.curve import curve

PARK = """
flowsim: 1
name: Slag
year: 2025
goods:
  ore: {name: ore, class: mineral}
  slag: {name: slag, class: solid_waste, fate: landfill}
  metal: {name: metal}
  clay: {name: clay, class: mineral}
  brick: {name: brick}
recipes:
  smelt: {in: {ore: 3 t}, out: {metal: 1 t, slag: 2 t}}
  fire: {in: {clay: 2 t}, out: {brick: 2 t}, reference: brick}
substitutes:
  - {good: slag, replaces: clay, max_share: 40 %}
prices:
  ore: {price: 100 CNY/t, year: 2025}
  metal: {price: 900 CNY/t, year: 2025}
  slag: {price: -20 CNY/t, year: 2025}
  clay: {price: 30 CNY/t, year: 2025}
  brick: {price: 200 CNY/t, year: 2025}
processes:
  smelter: {recipe: smelt, activity: 100 t/a}
  near: {recipe: fire, activity: 200 t/a}
  far: {recipe: fire, activity: 400 t/a}
  idle: {recipe: fire, activity: 0 t/a}
links:
  dear: {good: slag, from: smelter, to: far, cost: 90 CNY/t, fixed_cost: 800 CNY/a, open: true}
  cheap: {good: slag, from: smelter, to: near, cost: 5 CNY/t, prefer: 1}
  useless: {good: slag, from: smelter, to: idle}
  late: {good: slag, from: smelter, to: far, id: late, earliest: 2040}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "slag.yaml"
    path.write_text(PARK, "utf-8")
    return path


def test_the_steps_are_those_worked_out_by_hand(file: Path) -> None:
    """80 t earn 30 + 20 − 5 each; the far kiln gets the 120 t that are left, at 90 − 50 and 800 more."""
    steps = curve(fs.read(file)).steps
    assert [step.link for step in steps[:2]] == ["cheap", "dear"]
    cheap, dear = steps[:2]
    assert (cheap.avoided, cheap.cost, cheap.per_unit) == pytest.approx((80, -3600, -45))
    assert (dear.avoided, dear.cost) == pytest.approx((120, 120 * 40 + 800))
    assert (dear.alone, dear.cumulative, dear.amount) == pytest.approx((160, 200, 120))
    assert {step.link for step in steps[2:]} == {"useless", "late"}
    assert all(step.avoided == 0 and np.isnan(step.per_unit) and step.reason for step in steps[2:])


@pytest.mark.parametrize("per", ["waste", "virgin", "water", "co2"])
def test_the_steps_add_up_to_what_all_links_do_together(file: Path, per: str) -> None:
    scenario = fs.read(file)
    made = curve(scenario, per)
    ends = [
        evaluate(fs.balance(fs.assemble(with_open(scenario, names))), made.indicator)[0].value
        for names in ([], list(scenario.tables["links"]["id"]))
    ]
    assert sum(step.avoided for step in made.steps) == pytest.approx(ends[0] - ends[1], abs=1e-6)
    assert made.steps[-1].cumulative == pytest.approx(ends[0] - ends[1], abs=1e-6)


def test_links_that_are_not_named_stay_as_they_are(file: Path) -> None:
    (step,) = curve(fs.read(file), links=["cheap"]).steps
    assert step.alone == step.avoided
    assert step.avoided == pytest.approx(200 - 160)


def test_a_missing_price_is_a_reason(file: Path) -> None:
    file.write_text(PARK.replace("  clay: {price: 30 CNY/t, year: 2025}\n", ""), "utf-8")
    step = curve(fs.read(file)).steps[0]
    assert np.isnan(step.cost) and step.reason == "no price for clay" and step.reason_zh == "缺少价格：clay"


def test_a_link_without_an_answer_is_left_closed_and_says_so(file: Path) -> None:
    useless = "  useless: {good: slag, from: smelter, to: idle"
    text = PARK.replace(useless, useless + ", minimum: 5 t/a")
    file.write_text(text, "utf-8")
    steps = {step.link: step for step in curve(fs.read(file)).steps}
    assert steps["useless"].reason.startswith("no answer: ")
    assert steps["cheap"].avoided == pytest.approx(80)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"per": "gold"}, "nothing is counted per `gold`. Known: waste"),
        ({"links": ["chaep"]}, "there is no link `chaep`. Did you mean `cheap`?"),
        ({"links": []}, "the scenario has no links"),
    ],
)
def test_what_cannot_be_asked_is_said(file: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as error:
        curve(fs.read(file), **options)  # type: ignore[arg-type]
    assert said in str(error.value)


def test_a_link_named_twice_is_one_step(file: Path) -> None:
    assert [step.link for step in curve(fs.read(file), links=["cheap", "cheap"]).steps] == ["cheap"]


def test_where_the_picture_goes_is_looked_at_first(file: Path) -> None:
    """The folder is missing, so nothing is balanced: not even the boundary is looked at."""
    said = CliRunner().invoke(
        main, ["curve", str(file), "-o", str(file.parent / "no" / "x.svg"), "--per", "x"]
    )
    assert said.exit_code == 2 and "There is no folder" in said.output


def test_a_scenario_that_needs_its_links_says_how_to_ask(file: Path) -> None:
    text = PARK.replace("facts", "facts") + "facts:\n  - {limit: near, max: 1 t/a}\n"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match="without its links the scenario has no answer"):
        curve(fs.read(file))


def test_the_command_prints_and_draws_in_both_languages(file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "curve.svg"
    run = CliRunner().invoke(main, ["curve", str(file), "-o", str(picture)])
    assert run.exit_code == 0, run.output
    assert "Links by the cost of waste avoided" in run.output and "steps add up" in run.output
    assert picture.read_text("utf-8").lstrip().startswith("<")
    run = CliRunner().invoke(main, ["curve", str(file), "--lang", "zh", "--out", str(tmp_path / "out")])
    assert "按废物减量成本排序的链接" in run.output and "前序链接" in run.output
    assert (tmp_path / "out" / "steps.csv").exists()
    made = json.loads(CliRunner().invoke(main, ["curve", str(file), "--json"]).output)
    assert made["steps"][0]["link"] == "cheap" and made["unit"] == "t/a"
    run = CliRunner().invoke(main, ["curve", str(file), "-o", "x.doc"])
    assert run.exit_code == 2 and "is no picture" in run.output
