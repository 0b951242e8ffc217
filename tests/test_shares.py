"""Who gains: by hand, against the definition of the Shapley value, and every message."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from flowsim.cli import main
from flowsim.errors import InputError
from flowsim.symbiosis import shares as room
from flowsim.symbiosis.optimise import optimise
from flowsim.symbiosis.shares import shares
from flowsim.views.optimise_text import share_grids, share_notes
from tests.test_optimise import TWO, written_scenario


def test_the_gain_of_each_link_is_halved(tmp_path: Path) -> None:
    # near: 15 t x (10 clay + 20 fee − 2) − 100 = 320; far: 25 t x (10 + 20 − 12) − 300 = 150
    found = shares(optimise(written_scenario(tmp_path, TWO), objective="cost"))
    near, far = sorted(found.exchanges, key=lambda each: each.link, reverse=True)
    assert (near.giver, near.taker, near.avoided, near.cost, near.before) == ("a", "b", 150, 130, -300)
    assert (near.giver_gain, near.taker_gain) == pytest.approx((160, 160))
    # the giver pays a fee: 160 of gain come from the 300 of the landfill
    assert near.payment == pytest.approx(-140)
    assert near.price == pytest.approx(-140 / 15)
    assert (far.giver_gain, far.taker_gain) == pytest.approx((75, 75))
    assert near.losers == far.losers == ()
    net = {each.firm: each.net for each in found.benefits}
    assert net == pytest.approx({"a": 235, "b": 160, "c": 75})
    assert found.worth == pytest.approx(470)
    assert found.others == pytest.approx(0, abs=1e-6)
    # two links that do not depend on each other: each pair shares its own gain
    assert [each.shapley for each in found.benefits] == pytest.approx([235, 160, 75])
    assert [each.even for each in found.benefits] == pytest.approx([470 / 3] * 3)


def test_all_of_the_gain_can_go_to_the_giver(tmp_path: Path) -> None:
    found = shares(optimise(written_scenario(tmp_path, TWO), objective="cost"), transfer=1.0)
    assert {each.firm: each.net for each in found.benefits} == pytest.approx(
        {"a": 470, "b": 0, "c": 0}, abs=1e-6
    )


def test_a_link_that_costs_more_than_it_saves_has_losers(tmp_path: Path) -> None:
    text = TWO.replace("cost: 2 CNY/t", "cost: 50 CNY/t")
    found = shares(optimise(written_scenario(tmp_path, text), objective="waste", links=["ash_to_near"]))
    (link,) = found.exchanges
    assert link.losers == ("a", "b")
    # 15 t x (10 + 20 − 50) − 100 = −400; no coalition would do it
    assert link.giver_gain + link.taker_gain == pytest.approx(-400)
    assert found.worth == pytest.approx(0, abs=1e-6)
    assert "loses: a, b" in " ".join(" ".join(row) for grid in share_grids(found, "en") for row in grid.rows)


def glove(members: tuple[int, ...]) -> float:
    """One left glove (0) and two right ones (1, 2): a pair is worth 1."""
    return float(0 in members and len(members) > 1)


def test_the_shapley_value_of_the_gloves() -> None:
    values, _ = room._shapley(3, glove)
    assert values == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_the_shapley_value_is_the_mean_over_all_orders() -> None:
    draw = np.random.default_rng(0)
    table = {tuple(part): float(draw.uniform()) for part in map(tuple, _coalitions(4)) if part}
    table[()] = 0.0
    added = np.zeros(4)
    for order in permutations(range(4)):
        for size in range(4):
            before, after = (tuple(sorted(order[:end])) for end in (size, size + 1))
            added[order[size]] += table[after] - table[before]
    values, _ = room._shapley(4, lambda members: table[members])
    assert values == pytest.approx(added / 24)
    assert values.sum() == pytest.approx(table[0, 1, 2, 3])


def _coalitions(count: int) -> list[list[int]]:
    return [[at for at in range(count) if mask >> at & 1] for mask in range(2**count)]


def test_sampled_values_come_near_and_say_how_near() -> None:
    values, errors = room._sampled(3, glove, 0, 400)
    assert (np.abs(values - [2 / 3, 1 / 6, 1 / 6]) < 4 * errors).all()
    assert values.sum() == pytest.approx(1)
    again, _ = room._sampled(3, glove, 0, 400)
    other, _ = room._sampled(3, glove, 1, 400)
    assert (again == values).all() and (other != values).any()


def test_many_firms_are_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "EXACT", 2)
    found = shares(optimise(written_scenario(tmp_path, TWO), objective="cost"), orders=20)
    assert not found.exact
    assert sum(each.shapley for each in found.benefits) == pytest.approx(470)
    assert "sampled, seed 0" in share_notes(found, "en")[-1]


def test_every_message(tmp_path: Path) -> None:
    found = optimise(written_scenario(tmp_path, TWO), objective="cost")
    with pytest.raises(InputError, match="between 0 and 1"):
        shares(found, transfer=2)
    text = TWO.replace(", firm: a", "")
    with pytest.raises(InputError, match="no opened link joins two firms"):
        shares(optimise(written_scenario(tmp_path, text, "nobody.yaml"), objective="cost"))
    text = TWO.replace("  ash: {price: -20 CNY/t, year: 2020}\n", "")
    with pytest.raises(InputError, match="there is no price for ash"):
        shares(optimise(written_scenario(tmp_path, text, "free.yaml"), objective="waste"))


def test_the_command(tmp_path: Path) -> None:
    written_scenario(tmp_path, TWO)
    for lang, said in (("en", "Net benefit of each firm"), ("zh", "各企业净收益")):
        done = CliRunner().invoke(main, ["optimise", str(tmp_path / "park.yaml"), "--shares", "--lang", lang])
        assert done.exit_code == 0, done.output
        assert said in done.output
