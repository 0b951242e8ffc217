"""`stress`: partners lost and cut, by hand; what lacks; the rank; every message."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from flowsim.assemble import assemble
from flowsim.cli import main
from flowsim.errors import InputError
from flowsim.scenario import read
from flowsim.studies import balance
from flowsim.symbiosis import stress as room
from flowsim.symbiosis.stress import Case, Stress, stress, without
from flowsim.system import System
from flowsim.views.stress_text import stress_grids, stress_notes
from tests.test_optimise import HEAD

PARK = (
    HEAD
    + """
processes:
  smelter: {recipe: smelting, activity: 100 t/a, firm: a}
  near: {recipe: brickmaking, activity: 40 t/a, firm: b}
  far: {recipe: brickmaking, activity: 80 t/a, firm: c}
links:
  ash_to_near: {good: ash, from: smelter, to: near, limit: 15 t/a, prefer: 1, open: true}
  ash_to_far: {good: ash, from: smelter, to: far, limit: 30 t/a, open: true}
"""
)
"""40 t/a of ash: 15 to near, 25 to far, which takes up to 30."""


@pytest.fixture
def system(tmp_path: Path) -> System:
    path = tmp_path / "park.yaml"
    path.write_text(PARK, encoding="utf-8")
    return assemble(read(path))


def case_of(found: Stress, partner: str) -> Case:
    return next(case for case in found.cases if case.partner == partner)


def value(case: Case, id: str) -> float:
    return next(value.value for value in case.values if value.indicator.id == id)


def test_the_others_step_in_as_far_as_they_can(system: System) -> None:
    found = stress(system, names=["general.solid_waste_landfilled", "general.virgin_input"])
    assert {case.partner for case in found.cases} == {"smelter", "near", "far"}
    near = case_of(found, "near")
    # of the 15 t that near took, far takes 5 more, 10 go to the landfill
    assert value(near, "general.solid_waste_landfilled") == pytest.approx(10)
    (link,) = [move for move in near.stepped_in if move.link]
    assert (link.flow, link.before, link.after) == ("ash_to_far", pytest.approx(25), pytest.approx(30))
    assert near.kept == pytest.approx(0.5)
    far = case_of(found, "far")
    assert value(far, "general.solid_waste_landfilled") == pytest.approx(25)
    smelter = case_of(found, "smelter")
    # both kilns buy clay for the 40 t that they miss
    assert value(smelter, "general.virgin_input") == pytest.approx(120)
    assert {move.flow for move in smelter.stepped_in} == {"clay__market__near", "clay__market__far"}
    assert dict(smelter.firms)["b"] == pytest.approx(15 * -30)


def test_a_cut_leaves_its_share(system: System) -> None:
    found = stress(system, remove=["near"], cut=0.5, names=["general.solid_waste_landfilled"])
    # near makes 20 t/a and takes 10 at most, its limit of 15 beyond reach; far takes 30
    (case,) = found.cases
    assert value(case, "general.solid_waste_landfilled") == pytest.approx(0, abs=1e-9)
    assert case.kept == pytest.approx((10 / 15 + 1) / 2)


def test_a_lost_partner_is_a_scenario_without_it(system: System, tmp_path: Path) -> None:
    base = balance(system)
    at = int(np.flatnonzero(system.processes["id"] == "near")[0])
    found = balance(without(base, np.array([at]), 1.0))
    path = tmp_path / "less.yaml"
    path.write_text(PARK.replace("activity: 40 t/a", "activity: 0 t/a"), encoding="utf-8")
    assert found.amounts == pytest.approx(balance(assemble(read(path))).amounts)


def test_what_no_one_can_take_over_is_named(tmp_path: Path) -> None:
    text = PARK + "flows:\n  - {good: metal, from: smelter, to: user}\n"
    text = text.replace("processes:", "processes:\n  user: {recipe: using, activity: 60 t/a, firm: d}")
    text = text.replace("recipes:", "recipes:\n  using: {name: using, in: {metal: 1 t}, out: {brick: 1 t}}")
    path = tmp_path / "tied.yaml"
    path.write_text(text, encoding="utf-8")
    found = stress(assemble(read(path)))
    worst = found.cases[0]
    assert worst.partner == "smelter"
    assert "user needs 60 t/a of metal; 0 can be supplied" in worst.reason
    assert " -0" not in worst.reason and not worst.reason.endswith(".")
    assert found.table["rank"].tolist() == [1, 2, 3]
    assert stress_notes(found, "en")[0].startswith("2 of 3 losses can be borne")


def test_a_collector_without_a_recipe_is_cut_by_what_it_takes_in(tmp_path: Path) -> None:
    text = PARK.replace("processes:", "processes:\n  yard: {kind: collect, firm: d}")
    text = text.replace("from: smelter, to: far", "from: yard, to: far")
    text += "flows:\n  - {good: ash, from: smelter, to: yard, limit: 30 t/a}\n"
    path = tmp_path / "yard.yaml"
    path.write_text(text, encoding="utf-8")
    system = assemble(read(path))
    base = balance(system)
    (case,) = stress(system, remove=["yard"], cut=0.5, names=["general.solid_waste_landfilled"]).cases
    through = base.amounts[(system.flows["id"] == "ash_to_far").to_numpy()][0]
    assert not case.reason
    assert through > 0
    (moved,) = [move for move in case.stepped_in if move.flow == "clay__market__far"] or [None]
    assert moved is None or moved.after >= moved.before
    assert case.kept == pytest.approx((1 + 0.5) / 2)


def test_a_firm_is_all_of_its_processes(system: System) -> None:
    (case,) = stress(system, remove=["firm:c"]).cases
    assert (case.partner, case.kept) == ("firm:c", pytest.approx(0.5))


def test_it_can_be_stopped(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> Case:
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "_case", stop)
    found = stress(system)
    assert found.stopped and found.cases == ()
    assert "not tried" in stress_notes(found, "en")[-1]


def test_every_message(system: System, tmp_path: Path) -> None:
    for wrong, said in (
        (dict(remove=["smeltr"]), "there is no partner `smeltr`"),
        (dict(remove=["firm:z"]), "there is no partner `firm:z`"),
        (dict(cut=0.0), "a cut is more than 0"),
        (dict(names=["cn.nothing"]), "there is no indicator"),
    ):
        with pytest.raises(InputError, match=said):
            stress(system, **wrong)  # type: ignore[arg-type]
    path = tmp_path / "closed.yaml"
    path.write_text(PARK.replace(", open: true", ""), encoding="utf-8")
    with pytest.raises(InputError, match="no open link carries anything"):
        stress(assemble(read(path)))


def test_the_command(system: System, tmp_path: Path) -> None:
    run, file = CliRunner().invoke, str(tmp_path / "park.yaml")
    done = run(main, ["stress", file, "--lang", "zh", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0 and "失去一个伙伴时" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"stress.json", "cases.csv"}
    done = run(main, ["stress", file, "--json", "--cut", "50 %"])
    assert json.loads(done.output)["cut"] == 0.5
    for options, said in (
        (["--cut", "3 t"], "is no share"),
        (["--each", "--remove", "near"], "exclude each other"),
    ):
        done = run(main, ["stress", file, *options])
        assert (done.exit_code, said in done.output) == (2, True)


def test_rows_fit_their_columns(system: System) -> None:
    for lang in ("en", "zh"):
        for grid in stress_grids(stress(system), lang):
            assert all(len(row) == len(grid.columns) for row in grid.rows)
