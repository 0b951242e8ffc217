"""Links with a treatment, a loss, a season, a first year, permits; distances; ceilings of contents."""

from __future__ import annotations

from pathlib import Path

import pytest

import flowsim as fs
from flowsim.errors import Infeasible, InputError
from flowsim.result import Result

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
  grind: {in: {slag: 1 t}, out: {powder: 1 t}, reference: powder}
  neutralise: {kind: treat, in: {spent: 1 t}, out: {slag: 1 t}, reference: spent}
substitutes:
  - {good: slag, replaces: clay, max_share: 40 %}
  - {good: powder, replaces: clay, max_share: 80 %}
  - {good: spent, replaces: clay, max_share: 10 %}
contents:
  clay: {Cl: 0.1 %}
  slag: {Cl: 1.1 %}
  powder: {Cl: 0.3 %}
processes:
  smelter: {recipe: smelt, activity: 100 t/a, site: north, firm: smelter_ltd}
  kiln: {recipe: fire, activity: 200 t/a, site: south, firm: kiln_ltd}
"""
LINK = "links:\n  slag_link: {{good: slag, from: smelter, to: kiln, open: true{}}}\n"


def park(tmp_path: Path, text: str, variant: str | None = None) -> Result:
    path = tmp_path / "park.yaml"
    path.write_text(PARK + text, "utf-8")
    return fs.balance(fs.assemble(fs.read(path, variant)))


def amounts(result: Result) -> dict[str, float]:
    return {name: value for name, value in zip(result.system.flows["id"], result.amounts, strict=True)}


def message(tmp_path: Path, text: str) -> str:
    with pytest.raises(InputError) as error:
        park(tmp_path, text)
    return str(error.value)


def test_a_link_without_the_new_columns_moves_what_the_slot_takes(tmp_path: Path) -> None:
    found = amounts(park(tmp_path, LINK.format("")))
    assert found["slag_link"] == pytest.approx(80)
    assert found["slag__smelter__landfill"] == pytest.approx(70)


def test_a_loss_leaves_the_giver_for_the_fate_of_the_good(tmp_path: Path) -> None:
    found = amounts(park(tmp_path, LINK.format(", loss: 20 %")))
    assert found["slag_link"] == pytest.approx(80)
    assert found["slag_link_loss"] == pytest.approx(20)
    assert found["slag__smelter__landfill"] == pytest.approx(50)


def test_what_is_lost_is_not_sold(tmp_path: Path) -> None:
    text = "goods:\n  slag: {name: slag, class: by_product, fate: market}"
    path = tmp_path / "park.yaml"
    said = PARK.replace("  slag: {name: slag, class: solid_waste, fate: landfill}\n", text[7:] + "\n")
    path.write_text(said + LINK.format(", loss: 20 %"), "utf-8")
    flows = fs.balance(fs.assemble(fs.read(path))).system.flows.set_index("id")
    assert flows.loc["slag_link_loss", "to"] == "landfill"


def test_a_season_bounds_both_ends(tmp_path: Path) -> None:
    half = amounts(park(tmp_path, LINK.format(", months: [4, 5, 6, 7, 8, 9]")))
    assert half["slag_link"] == pytest.approx(75)
    third = amounts(park(tmp_path, LINK.format(", available: 50 %, months: [4, 5, 6, 7]")))
    assert third["slag_link"] == pytest.approx(25)
    lossy = amounts(park(tmp_path, LINK.format(", months: [4, 5, 6, 7, 8, 9], loss: 20 %")))
    assert lossy["slag_link"] == pytest.approx(60)
    assert lossy["slag_link_loss"] == pytest.approx(15)


def test_a_season_bounds_the_taker(tmp_path: Path) -> None:
    text = LINK.format(", available: 10 %").replace("good: slag", "good: powder")
    text = text.replace("from: smelter", "from: market")
    assert amounts(park(tmp_path, text))["slag_link"] == pytest.approx(20)


def test_a_treatment_becomes_a_process_with_two_flows(tmp_path: Path) -> None:
    result = park(tmp_path, LINK.format(", through: grind, limit: 25 % of clay, cost: 3 CNY/t, loss: 20 %"))
    found = amounts(result)
    assert found["slag_link"] == found["slag_link_product"] == pytest.approx(50)
    assert found["slag_link_loss"] == pytest.approx(12.5)
    plant = result.system.processes.set_index("id").loc["slag_link_treatment"]
    assert (plant["site"], plant["firm"]) == ("south", "kiln_ltd")
    cost = result.system.flows.set_index("id")["unit_cost"]
    assert cost["slag_link"] == pytest.approx(3 / 0.8)
    assert cost["slag_link_product"] == 0


def test_the_product_of_a_treatment_can_be_named(tmp_path: Path) -> None:
    text = LINK.format(", through: grind, becomes: powder")
    assert amounts(park(tmp_path, text))["slag_link_product"] == pytest.approx(150)


def test_a_closed_link_leaves_no_rows(tmp_path: Path) -> None:
    whole = (
        ", through: grind, loss: 5 %, months: [1], fixed_cost: 9 CNY/a, freight: 1 CNY/t/km, distance: 1 km"
    )
    closed = park(tmp_path, LINK.format(whole).replace("open: true", "open: false")).system
    bare = park(tmp_path, "").system
    assert closed.size == bare.size
    assert closed.upper_matrix.shape == bare.upper_matrix.shape
    assert closed.flows["fixed_cost"].sum() == 0


@pytest.mark.parametrize(("year", "moved"), [(2025, 80), (2026, None)])
def test_a_link_is_closed_before_its_earliest_year(tmp_path: Path, year: int, moved: float | None) -> None:
    assert amounts(park(tmp_path, LINK.format(f", earliest: {year}"))).get("slag_link") == (
        moved if moved is None else pytest.approx(moved)
    )


def test_a_simulation_opens_a_link_in_its_earliest_year(tmp_path: Path) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(PARK + LINK.format(", earliest: 2027"), "utf-8")
    flows = fs.simulate(fs.read(path), years=[2025, 2026, 2027, 2028]).flows
    moved = flows[(flows["id"] == "slag_link") & (flows["layer"] == "mass")].groupby("year")["value"].sum()
    assert moved.to_dict() == pytest.approx({2027: 80, 2028: 80})


def test_distances_between_sites_serve_links_that_state_none(tmp_path: Path) -> None:
    table = "distances:\n  - {from: south, to: north, distance: 12 km}\n"
    result = park(
        tmp_path, table + LINK.format(", freight: 0.5 CNY/t/km, cost: 4 CNY/t, fixed_cost: 7 MCNY/a")
    )
    flow = result.system.flows.set_index("id").loc["slag_link"]
    assert (flow["unit_cost"], flow["fixed_cost"]) == (pytest.approx(10), 7e6)
    both = table + "  - {from: north, to: south, distance: 20 km}\n"
    assert park(tmp_path, both + LINK.format(", freight: 0.5 CNY/t/km")).system.flows.set_index("id").loc[
        "slag_link", "unit_cost"
    ] == pytest.approx(10)
    stated = LINK.format(", freight: 0.5 CNY/t/km, distance: 2 km")
    assert park(tmp_path, both + stated).system.flows.set_index("id").loc["slag_link", "unit_cost"] == 1


def test_a_ceiling_holds_for_the_blend(tmp_path: Path) -> None:
    """200 t of raw meal at 0.2 % Cl: 0.1 % of 180 t and 1.1 % of 20 t are 0.4 t."""
    text = LINK.format("") + "ceilings:\n  chlorine: {at: kiln, goods: [clay], layer: Cl, max: 0.2 %}\n"
    result = park(tmp_path, text)
    assert amounts(result)["slag_link"] == pytest.approx(20)
    assert "content ceiling" in result.system.text()
    assert result.notes == ("the blend of kiln has reached its ceiling of 0.2 % Cl",)
    of_recipe = park(tmp_path, text.replace("at: kiln, goods: [clay]", "at: fire"))
    assert amounts(of_recipe)["slag_link"] == pytest.approx(20)


def test_substitutes_of_one_slot_share_its_ceiling_and_their_shares(tmp_path: Path) -> None:
    """Both may fill 120 % of the slot by their shares; together they fill no more than all of it."""
    both = LINK.format("") + "  powder_link: {good: powder, from: market, to: kiln, open: true, prefer: 3}\n"
    found = amounts(park(tmp_path, both))
    assert found["slag_link"] + found["powder_link"] == pytest.approx(200)
    ceiling = "ceilings:\n  chlorine: {at: kiln, goods: [clay], layer: Cl, max: 0.3 %}\n"
    found = amounts(park(tmp_path, both + ceiling))
    assert found["slag_link"] <= 80 + 1e-9
    assert 0.8 * found["slag_link"] <= 0.2 * (200 - found["slag_link"]) + 1e-6


def test_a_ceiling_of_an_active_layer_reads_its_unknowns(tmp_path: Path) -> None:
    text = LINK.format("") + "layers: [{id: Cl, name: Cl}]\ncontents: {ore: {Cl: 0.55 %}}\n"
    text = PARK.replace("contents:\n", "contents:\n  ore: {Cl: 0.55 %}\n  brick: {Cl: 0.2 %}\n")
    text = text.replace("  slag: {Cl: 1.1 %}\n", "") + LINK.format("")
    text += "layers: [{id: Cl, name: Cl}]\n"
    text += "facts:\n  - {transfer: slag, at: smelter, layer: Cl, value: 100 %}\n"
    text += "ceilings:\n  chlorine: {at: kiln, goods: [clay], layer: Cl, max: 0.2 %}\n"
    path = tmp_path / "park.yaml"
    path.write_text(text, "utf-8")
    system = fs.assemble(fs.read(path))
    assert [row for row in range(len(system.upper_rows.kind)) if system.upper_rows.kind[row] == "ceiling"]


def test_a_ceiling_below_the_blend_itself_has_no_answer(tmp_path: Path) -> None:
    """Clay alone holds twice as much: the ceiling and who breaks it are named, with and without a choice."""
    ceiling = "ceilings:\n  chlorine: {at: kiln, goods: [clay], layer: Cl, max: 0.05 %}\n"
    for text in (ceiling, LINK.format("") + ceiling):
        with pytest.raises(Infeasible) as error:
            park(tmp_path, text)
        blend = "the blend of kiln would hold 0.1 % Cl; its ceiling is 0.05 %"
        said = f"{blend}: clay from market (200 t/a at 0.1 %)."
        assert error.value.problems[0].message == said


def test_a_link_that_must_carry_more_than_its_ceiling_allows_is_named(tmp_path: Path) -> None:
    """50 t of slag at 1.1 % and 150 t of clay at 0.1 % are 0.7 t of 200 t, 0.35 %."""
    text = LINK.format(", minimum: 50 t/a")
    text += "ceilings:\n  chlorine: {at: kiln, goods: [clay], layer: Cl, max: 0.2 %}\n"
    with pytest.raises(Infeasible) as error:
        park(tmp_path, text)
    (problem,) = error.value.problems
    assert problem.message == (
        "the blend of kiln would hold 0.35 % Cl; its ceiling is 0.2 %: slag from smelter (50 t/a at 1.1 %)."
    )


def test_what_a_ceiling_cannot_judge_is_said(tmp_path: Path) -> None:
    text = PARK.replace("  clay: {Cl: 0.1 %}\n", "") + LINK.format("")
    path = tmp_path / "park.yaml"
    ceiling = "ceilings:\n  chlorine: {at: kiln, goods: [clay], layer: Cl, max: 0.2 %}\n"
    for activity in ("", "facts: [{given: slag_link, amount: 10 t/a}]\n"):
        path.write_text(text + ceiling + activity, "utf-8")
        result = fs.balance(fs.assemble(fs.read(path)))
        said = "the ceiling of Cl at kiln counts clay as free of it: no content is stated"
        assert said in result.all_notes()
        assert "kiln的Cl上限将clay按不含该物质计：未给出含量" in result.all_notes("zh")
    path.write_text(text.replace(LINK.format(""), "") + ceiling, "utf-8")
    notes = fs.balance(fs.assemble(fs.read(path))).all_notes()
    assert "the ceiling of Cl at kiln limits nothing: nothing that it takes states a content" in notes


def test_hazardous_waste_needs_a_permit_in_a_slot_but_not_in_its_own_plant(tmp_path: Path) -> None:
    link = LINK.format("").replace("good: slag", "good: spent")
    said = message(tmp_path, link)
    assert "`spent` is hazardous waste, and `kiln` has no permit for it" in said
    assert "permits: [spent]" in said and "park.yaml" in said
    for permit in ("spent", "hazardous_waste"):
        with_permit = PARK.replace("firm: kiln_ltd", f"firm: kiln_ltd, permits: [{permit}]")
        path = tmp_path / "permit.yaml"
        path.write_text(with_permit + link, "utf-8")
        assert amounts(fs.balance(fs.assemble(fs.read(path))))["slag_link"] == pytest.approx(20)
    closed = link.replace("open: true", "open: false")
    park(tmp_path, closed)
    plant = "  plant: {recipe: neutralise}\n" + link.replace("to: kiln", "to: plant")
    assert amounts(park(tmp_path, plant))["slag_link"] == pytest.approx(50)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LINK.format(", loss: 100 %"), "`loss` leaves nothing to arrive"),
        (LINK.format(", loss: 5 %").replace("from: smelter", "from: market"), "`loss` of what comes from"),
        (LINK.format(", available: 0"), "`available: 0` means never"),
        (LINK.format(", months: [13]"), "`months` must be numbers from 1 to 12"),
        (LINK.format(", freight: 1 CNY/t/km"), "`freight` needs a `distance`"),
        (LINK.format(", freight: 1 CNY/t, distance: 1 km"), "a freight is wanted, such as CNY/t/km"),
        (LINK.format(", fixed_cost: 1 CNY/t"), "`fixed_cost` is in CNY/t"),
        (LINK.format(", through: grnd"), "`through`: there is no recipe `grnd`. Did you mean `grind`?"),
        (LINK.format(", becomes: powder"), "`becomes` goes with `through`"),
        (LINK.format(", through: fire"), "`fire` makes nothing that `kiln` takes"),
        ("  slag_link_treatment: {}\n" + LINK.format(", through: grind"), "its treatment would be called"),
        ("distances:\n  - {from: west, to: north, distance: 1 km}\n", "there is no site `west`"),
        ("ceilings: {c: {at: kil, layer: Cl, max: 1 %}}\n", "there is no process or recipe `kil`"),
        ("ceilings: {c: {at: kiln, layer: Hg, max: 1 %}}\n", "there is no layer that a good states"),
        ("ceilings: {c: {at: kiln, goods: [cly], layer: Cl, max: 1 %}}\n", "there is no good `cly`"),
        ("ceilings: {c: {at: kiln, goods: [ore], layer: Cl, max: 1 %}}\n", "kiln takes no `ore` to blend"),
    ],
)
def test_what_is_wrong_with_links_is_said(tmp_path: Path, text: str, said: str) -> None:
    assert said in message(tmp_path, text)


def test_a_permit_names_hazardous_wastes_only(tmp_path: Path) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(PARK.replace("firm: kiln_ltd", "permits: [slag]"), "utf-8")
    with pytest.raises(InputError, match="there is no hazardous waste `slag`"):
        fs.read(path)


def test_an_earliest_year_needs_a_year(tmp_path: Path) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(PARK.replace("year: 2025\n", "") + LINK.format(", earliest: 2027"), "utf-8")
    with pytest.raises(InputError, match="has an `earliest` year, and the scenario has no year"):
        fs.assemble(fs.read(path))
