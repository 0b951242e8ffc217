"""Candidate exchanges: who could take what, how much, what it saves, and why others cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import flowsim as fs
from flowsim.cli import main
from flowsim.errors import InputError
from flowsim.indicators.ledger import ledger
from flowsim.symbiosis.candidates import LIMITS, REJECTED
from flowsim.symbiosis.match import Candidate, Matches, match, with_candidates, write

PARK = """
flowsim: 1
name: Two plants
year: 2025
goods:
  ore: {name: ore, class: mineral}
  slag: {name: slag, class: solid_waste, fate: landfill}
  spent: {name: spent acid, class: hazardous_waste, fate: treatment}
  powder: {name: powder, class: by_product}
  metal: {name: metal}
  clay: {name: clay, class: mineral}
  brick: {name: brick}
recipes:
  smelt: {in: {ore: 3 t}, out: {metal: 1 t, slag: 1.5 t, spent: 0.5 t}}
  fire: {in: {clay: 2 t}, out: {brick: 2 t}, reference: brick}
substitutes:
  - {good: slag, replaces: clay, max_share: 40 %}
  - {good: spent, replaces: clay, max_share: 10 %}
prices:
  ore: {price: 100 CNY/t, year: 2025}
  metal: {price: 900 CNY/t, year: 2025}
  slag: {price: -20 CNY/t, year: 2025}
  spent: {price: -500 CNY/t, year: 2025}
  clay: {price: 30 CNY/t, year: 2025}
  brick: {price: 200 CNY/t, year: 2025}
processes:
  smelter: {recipe: smelt, activity: 100 t/a, site: north}
  kiln: {recipe: fire, activity: 200 t/a, site: south}
distances:
  - {from: north, to: south, distance: 10 km}
"""


CEILING = """
contents: {slag: {Cl: 1.1 %}, clay: {Cl: 0.1 %}}
ceilings: {c: {at: kiln, goods: [clay], layer: Cl, max: 0.2 %}}
"""


def read(tmp_path: Path, text: str = PARK) -> fs.scenario.Scenario:  # type: ignore[name-defined]
    path = tmp_path / "park.yaml"
    path.write_text(text, "utf-8")
    return fs.read(path)


def only(found: Matches) -> Candidate:
    (one,) = found.candidates
    return one


def test_a_residue_meets_the_input_that_it_may_fill(tmp_path: Path) -> None:
    """By hand: 40 % of 200 t of clay; each tonne saves 30 of clay and 20 of landfill, less 10 km at 0.5."""
    one = only(match(read(tmp_path), freight=0.5))
    assert (one.giver, one.good, one.taker, one.replaces, one.limit) == (
        "smelter", "slag", "kiln", "clay", "share",
    )  # fmt: skip
    assert one.amount == pytest.approx(80)
    assert one.saved["waste"] == pytest.approx(80)
    assert one.saved["virgin_material"] == pytest.approx(80)
    assert one.saved["money"] == pytest.approx(80 * (30 + 20 - 5))
    assert one.distance == 10


def test_the_estimate_and_the_balance_agree_where_nothing_else_changes(tmp_path: Path) -> None:
    scenario = read(tmp_path)
    quick, balanced = (only(match(scenario, freight=0.5, quick=flag)).saved for flag in (True, False))
    known = [key for key in quick if np.isfinite(balanced[key])]
    assert {"money", "waste", "virgin_material"} <= set(known)
    assert {key: quick[key] for key in known} == pytest.approx({key: balanced[key] for key in known})


def test_a_balanced_candidate_saves_what_the_ledger_says_of_its_link(tmp_path: Path) -> None:
    scenario = read(tmp_path)
    one = only(match(scenario))
    entry = ledger(with_candidates(scenario, [one])).entries[0]
    assert dict(entry.saved) == pytest.approx(one.saved, nan_ok=True)


@pytest.mark.parametrize(
    ("old", "new", "limit", "amount"),
    [
        ("max_share: 40 %", "max_share: 100 %", "supply", 150),
        ("max_share: 40 %", "ratio: 4, max_share: 100 %", "need", 100),
        ("processes:\n", CEILING + "processes:\n", "ceiling", 20),
    ],
)  # fmt: skip
def test_what_limits_a_candidate_is_said(
    tmp_path: Path, old: str, new: str, limit: str, amount: float
) -> None:
    text = PARK.replace(old, new, 1)
    if "ratio" in new:
        text = text.replace("out: {brick: 2 t}", "out: {brick: 1 t, powder: 1 t}, closing: powder")
        text = text.replace("  powder: {name: powder", "  powder: {name: powder, fate: landfill")
    one = only(match(read(tmp_path, text), quick=True))
    assert one.limit == limit
    assert one.amount == pytest.approx(amount)


def test_hazardous_waste_is_offered_to_permitted_plants_only(tmp_path: Path) -> None:
    found = match(read(tmp_path))
    (why,) = found.rejected.loc[found.rejected["good"] == "spent", "why"]
    assert why == "permit"
    allowed = PARK.replace("site: south}", "site: south, permits: [spent]}")
    taken = {one.good: one for one in match(read(tmp_path, allowed)).candidates}
    assert taken["spent"].amount == pytest.approx(20)
    assert taken["spent"].saved["money"] == pytest.approx(20 * 530)


def test_a_drawn_exchange_is_no_candidate(tmp_path: Path) -> None:
    text = PARK + "links:\n  s: {good: slag, from: smelter, to: kiln}\n"
    found = match(read(tmp_path, text))
    assert not found.candidates
    assert found.rejected.set_index("good")["why"].to_dict() == {"slag": "drawn", "spent": "permit"}


def test_a_missing_price_leaves_money_missing_and_names_the_good(tmp_path: Path) -> None:
    text = PARK.replace("  clay: {price: 30 CNY/t, year: 2025}\n", "")
    one = only(match(read(tmp_path, text)))
    assert np.isnan(one.saved["money"]) and one.reason == "no price for clay"
    assert one.reason_zh == "缺少价格：clay"
    without = PARK.replace("  ore: {price: 100 CNY/t, year: 2025}\n", "")
    assert only(match(read(tmp_path, without))).saved["money"] == pytest.approx(80 * 50)


def test_a_distance_that_is_not_stated_leaves_money_missing_when_freight_counts(tmp_path: Path) -> None:
    text = PARK.replace("distances:\n  - {from: north, to: south, distance: 10 km}\n", "")
    one = only(match(read(tmp_path, text), freight=0.5))
    assert np.isnan(one.saved["money"]) and one.reason == "the distance is not stated"
    assert only(match(read(tmp_path, text))).saved["money"] == pytest.approx(80 * 50)


def test_a_treatment_on_the_way_and_a_new_plant_are_candidates(tmp_path: Path) -> None:
    text = PARK.replace(
        "substitutes:\n", "substitutes:\n  - {good: powder, replaces: clay, max_share: 60 %}\n"
    )
    text = text.replace("  - {good: slag, replaces: clay, max_share: 40 %}\n", "")
    grind = "  grind: {kind: utilise, in: {slag: 2 t, ore: 0.5 t}, out: {powder: 2.5 t}, reference: slag}\n"
    text = text.replace("recipes:\n", "recipes:\n" + grind)
    text = text.replace("prices:\n", "prices:\n  powder: {price: 10 CNY/t, year: 2025}\n")
    found = {one.through or one.plant: one for one in match(read(tmp_path, text)).candidates}
    assert set(found) == {"grind"}
    ways = match(read(tmp_path, text)).candidates
    through = next(one for one in ways if one.through)
    assert (through.taker, through.product, through.limit) == ("kiln", "powder", "share")
    assert through.amount == pytest.approx(96)
    assert through.saved["money"] == pytest.approx(96 * 20 + 120 * 30 - 24 * 100)
    plant = next(one for one in ways if one.plant)
    assert (plant.taker, plant.amount) == ("new_grind", pytest.approx(150))
    assert plant.saved["money"] == pytest.approx(150 * 20 + 187.5 * 10 - 37.5 * 100)


def test_the_next_best_taker_is_named_with_the_reason(tmp_path: Path) -> None:
    text = PARK + "  - {from: south, to: north, distance: 30 km}\n"
    text = text.replace(
        "distances:\n", "  works: {recipe: fire, activity: 50 t/a, site: north}\ndistances:\n"
    )
    found = match(read(tmp_path, text))
    first, second = (one for one in found.candidates if one.good == "slag")
    assert (first.taker, second.taker) == ("kiln", "works")
    assert first.beside.startswith("works: saves about 3,000 CNY/a less (largest share")
    assert first.beside_zh.startswith("works：约少3,000 元/a（")
    assert second.beside == "no other taker fits"


def test_candidates_can_be_chosen_and_ranked(tmp_path: Path) -> None:
    scenario = read(tmp_path, PARK.replace("site: south}", "site: south, permits: [spent]}"))
    assert [one.good for one in match(scenario).candidates] == ["spent", "slag"]
    assert [one.good for one in match(scenario, by="waste", good="slag").candidates] == ["slag"]
    assert match(scenario, process="kiln", top=1).found == 2
    assert len(match(scenario, process="kiln", top=1).candidates) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "fame"}, "nothing is ranked by `fame`. Known: virgin"),
        ({"freight": -1.0}, "-1.0 CNY per unit and km is no cost of transport. Write 0.5."),
        ({"freight": float("inf")}, "inf CNY per unit and km is no cost of transport. Write 0.5."),
        ({"good": "slg"}, "there is no good `slg` in the scenario. Did you mean `slag`?"),
        ({"process": "klin"}, "there is no process `klin` in the scenario. Did you mean `kiln`?"),
    ],
)
def test_what_cannot_be_asked_is_said(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        match(read(tmp_path), **options)
    assert said in str(error.value)


def test_closed_links_of_the_scenario_are_said_not_listed(tmp_path: Path) -> None:
    """The kiln's link is drawn and closed, so it is no candidate; the planner is led to it."""
    text = PARK + "links: {slag_link: {good: slag, from: smelter, to: kiln}}\n"
    found = match(read(tmp_path, text), quick=True)
    assert "slag" not in [one.good for one in found.candidates if one.taker == "kiln"]
    notes = [en for en, _ in found.assumed]
    assert notes[0].startswith("Links that the scenario has drawn are not listed, 1 of which are closed")
    assert not [en for en, _ in match(read(tmp_path), quick=True).assumed if "closed" in en]


# ---- as a variant ----


def test_the_candidates_are_written_as_a_variant_that_runs(tmp_path: Path) -> None:
    text = PARK.replace("name: Two plants", "name: Two plants # 注释\nvariants:\n    as_it_is: {}", 1)
    found = match(read(tmp_path, text), freight=0.5)
    assert write(found, tmp_path / "more.yaml", 0.5) == "matched"
    again = fs.read(tmp_path / "more.yaml", "matched")
    assert again.tables["links"]["limit"].tolist() == pytest.approx([80])
    result = fs.balance(fs.assemble(again))
    assert result.amounts[(result.system.flows["how"] == "link").to_numpy()] == pytest.approx([80])
    assert result.moving_costs.sum() == pytest.approx(400)
    assert set(fs.read(tmp_path / "more.yaml").variant_names) == {"as_it_is", "matched"}
    said = (tmp_path / "more.yaml").read_text("utf-8")
    assert "# 注释" in said
    compared = CliRunner().invoke(main, ["compare", str(tmp_path / "more.yaml")])
    assert compared.exit_code == 0


def test_a_variant_of_a_variant_builds_on_it(tmp_path: Path) -> None:
    text = PARK + "variants:\n  more: {processes: {kiln: {activity: 300 t/a}}}\n  matched: {}\n"
    path = tmp_path / "park.yaml"
    path.write_text(text, "utf-8")
    found = match(fs.read(path, "more"))
    assert write(found, tmp_path / "more.yaml") == "matched_2"
    amounts = fs.balance(fs.assemble(fs.read(tmp_path / "more.yaml", "matched_2"))).amounts
    assert 120 in amounts.round(6)


@pytest.mark.parametrize(
    ("head", "target", "said"),
    [
        ("", "park.yaml", "this is the scenario itself"),
        ("", "deeper/x.yaml", "the folder is not that of the scenario"),
        ("", "mine.yaml", "there is a file of this name already"),
        ("variants: {a: {}}\n", "x.yaml", "`variants:` stands on one line"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path: Path, head: str, target: str, said: str) -> None:
    found = match(read(tmp_path, PARK + head), quick=True)
    (tmp_path / "mine.yaml").write_text("mine", "utf-8")
    with pytest.raises(InputError, match=said):
        write(found, tmp_path / target)
    assert not (tmp_path / "x.yaml").exists()
    assert (tmp_path / "mine.yaml").read_text("utf-8") == "mine"


def test_nothing_found_cannot_be_written(tmp_path: Path) -> None:
    found = match(read(tmp_path), good="spent")
    assert not found.candidates
    with pytest.raises(InputError, match="there is no candidate to write"):
        write(found, tmp_path / "x.yaml")


# ---- scale, command line ----


def test_five_hundred_firms_are_matched() -> None:
    """Every firm gives one of 25 wastes and buys two of 25 inputs that half of the wastes may fill."""
    firms, kinds = 500, 25
    at = np.arange(firms)
    waste, need = [f"waste_{k}" for k in range(kinds)], [f"input_{k}" for k in range(kinds)]
    goods = pd.DataFrame({"id": [*waste, *need, "made"]})
    goods["class"] = ["solid_waste"] * kinds + ["raw_material"] * kinds + ["product"]
    goods["fate"] = ["landfill"] * kinds + ["market"] * (kinds + 1)
    names = [f"r_{i}" for i in at]
    parts = [
        pd.DataFrame({"recipe": names, "good": good, "direction": side, "amount": amount, "role": role})
        for good, side, amount, role in (
            ([need[i % kinds] for i in at], "in", 1.0, ""),
            ([need[(i + 7) % kinds] for i in at], "in", 1.0, ""),
            (["made"] * firms, "out", 1.4, "reference"),
            ([waste[i % kinds] for i in at], "out", 0.6, ""),
        )
    ]  # fmt: skip
    fits = [(g, n) for k, g in enumerate(waste) for n in need[k % 2 :: 2]]
    scenario = fs.from_tables(
        goods=goods,
        recipes=pd.concat(parts, ignore_index=True),
        substitutes=pd.DataFrame(fits, columns=["good", "replaces"]).assign(max_share=0.5),
        processes=pd.DataFrame(
            {"id": [f"p_{i}" for i in at], "recipe": [f"r_{i}" for i in at], "activity": 10.0}
        ),
    )
    found = match(scenario, quick=True)
    assert found.found > 100_000 and len(found.candidates) == 10


def test_the_command_prints_tables_in_both_languages_and_json(tmp_path: Path) -> None:
    read(tmp_path)
    file = str(tmp_path / "park.yaml")
    run = CliRunner().invoke(main, ["match", file, "--all", "--freight", "0.5"])
    assert run.exit_code == 0
    for text in (
        "Exchanges that could be",
        "What each would save",
        "largest share",
        "has no permit",
        "note: 1 of 1",
    ):
        assert text in run.output
    run = CliRunner().invoke(main, ["match", file, "--all", "--lang", "zh", "--quick"])
    for text in ("可建立的交换", "估算", "替代比例上限", "无该危险废物经营许可", "说明: 共1项，显示1项。"):
        assert text in run.output
    made = json.loads(CliRunner().invoke(main, ["match", file, "--json"]).output)
    assert made["candidates"][0]["saved"]["waste"] == {"value": pytest.approx(80), "unit": "t/a"}
    assert made["rejected"][0]["why"] in REJECTED and made["candidates"][0]["limit"] in LIMITS
    out = tmp_path / "out"
    run = CliRunner().invoke(main, ["match", file, "--out", str(out), "--write", str(tmp_path / "new.yaml")])
    assert run.exit_code == 0 and "variant matched" in run.output
    assert {path.name for path in out.iterdir()} >= {"matches.json", "candidates.csv", "rejected.csv"}
