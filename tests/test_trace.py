"""Tracing: an indicator to its flows, a flow to its facts, a fact to its line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import flowsim as fs
from flowsim.errors import InputError
from flowsim.result import Result

assemble, balance, solve, trace = fs.assemble, fs.balance, fs.solve, fs.trace
NICKEL = Path(__file__).parent.parent / "scenarios" / "nickel_loop.yaml"
LOOP = """
flowsim: 1
year: 2025
goods: {metal: {name: metal}}
processes: {making: {}, recycling: {}}
flows:
  - {id: fresh, good: metal, from: market, to: making, amount: 15 t/a, source: "year book"}
  - {id: made, good: metal, from: making, to: recycling}
  - {id: again, good: metal, from: recycling, to: making}
  - {id: lost, good: metal, from: recycling, to: landfill}
facts:
  - {transfer: again, at: recycling, value: 50 %, source: "survey"}
"""


@pytest.fixture(scope="module")
def nickel() -> Result:
    return balance(assemble(fs.read(NICKEL, "all")))


@pytest.fixture
def loop(tmp_path: Path) -> Result:
    path = tmp_path / "loop.yaml"
    path.write_text(LOOP, encoding="utf-8")
    return solve(assemble(fs.read(path)))


def test_the_drivers_of_every_flow_add_up_to_it(nickel: Result) -> None:
    for at, name in enumerate(nickel.system.flows["id"]):
        amount = float(nickel.amounts[at])
        found = trace(nickel, name)
        assert len(found.drivers), name
        assert found.drivers["contribution"].sum() == pytest.approx(amount, rel=1e-6, abs=1e-4), name


def test_a_flow_leads_to_the_given_amount_through_the_loop(loop: Result) -> None:
    found = trace(loop, "made")
    assert found.amount == pytest.approx(30) and found.unit == "t/a"
    driver = found.drivers.iloc[0]
    assert driver["text"] == "given, metal: fresh = 15" and driver["contribution"] == pytest.approx(30)
    assert driver["source"] == "year book"


def test_facts_on_the_way_have_their_line_and_source(loop: Result) -> None:
    rows = trace(loop, "made").rows
    coefficient = rows[rows["text"].str.startswith("transfer coefficient")].iloc[0]
    line = LOOP.splitlines()[int(coefficient["line"]) - 1]
    assert "transfer: again" in line and coefficient["source"] == "survey"
    assert coefficient["file"].endswith("loop.yaml")


def test_a_limit_that_binds_is_the_driver(nickel: Result) -> None:
    drivers = trace(nickel, "slag_to_landao").drivers
    assert drivers["text"].tolist() == ["capacity of landao"]
    assert drivers["contribution"].iloc[0] == pytest.approx(500e3)


def test_a_flow_that_is_not_used_says_so(nickel: Result) -> None:
    unused = nickel.system.flows["id"][np.flatnonzero(nickel.amounts == 0)[0]]
    found = trace(nickel, unused).drivers
    assert found["text"].tolist() == [f"{unused} is not used"] and found["text_zh"].tolist() == [
        f"{unused} 未使用"
    ]


def test_where_rivals_share_the_share_of_one_is_taken_as_given(nickel: Result) -> None:
    drivers = trace(nickel, "niso4_6h2o__gepai_matte__gepai_precursor").drivers
    texts = drivers["text"].tolist()
    assert any(text.startswith("given, gepai_precursor") for text in texts)
    assert any(text.endswith(", decided by merit order") for text in texts)


def test_an_undetermined_flow_has_no_drivers(tmp_path: Path) -> None:
    path = tmp_path / "open.yaml"
    path.write_text(LOOP[: LOOP.index("facts:")], encoding="utf-8")
    found = trace(solve(assemble(fs.read(path)), throw=False), "made")
    assert np.isnan(found.amount) and found.drivers.empty and found.as_json()["amount"] is None


def test_the_shares_of_an_indicator_add_up_to_one(nickel: Result) -> None:
    for name in ("cn.isw_utilisation_rate", "general.co2_intensity", "cn.energy_intensity"):
        shares = trace(nickel, name).flows.groupby("part")["share"].sum()
        for part in ("numerator", "denominator"):
            assert shares[part] == pytest.approx(1), name


def test_the_flows_of_an_indicator_make_its_value(nickel: Result) -> None:
    found = trace(nickel, "cn.isw_utilisation_rate")
    sums = found.flows.groupby("part")["contribution"].sum()
    assert 100 * sums["numerator"] / sums["denominator"] == pytest.approx(found.amount)


def test_an_indicator_is_traced_at_a_boundary(nickel: Result) -> None:
    flows = trace(nickel, "general.co2", "firm:cngr").flows
    assert flows["id"].str.contains("cngr").all() and len(flows)


def test_a_good_that_one_flow_carries_names_the_flow(loop: Result, nickel: Result) -> None:
    once = nickel.system.flows["good"].value_counts()
    good = once.index[once == 1][0]
    assert trace(nickel, good).subject == nickel.system.flows.set_index("good").loc[good, "id"]


def test_a_good_that_many_flows_carry_is_ambiguous(loop: Result) -> None:
    with pytest.raises(InputError) as error:
        trace(loop, "metal")
    assert "4 flows carry `metal`: `fresh`, `made`, `again`, `lost`. Name one of them." in str(error.value)


def test_an_unknown_name_gets_the_nearest_known(loop: Result) -> None:
    with pytest.raises(InputError, match="there is no indicator or flow `agian`.*again"):
        trace(loop, "agian")
    with pytest.raises(
        InputError, match="there is no indicator or flow `zzzz`. `flowsim run` lists the flows."
    ):
        trace(loop, "zzzz")


def test_a_trace_is_valid_json(nickel: Result) -> None:
    for name in ("cn.main_resource_productivity", "slag_to_landao"):
        json.dumps(trace(nickel, name).as_json(), allow_nan=False)
