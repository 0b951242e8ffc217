"""Results: tidy tables, residuals, saving and loading, exports."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import flowsim as fs
from flowsim import result as results
from flowsim.errors import InputError
from flowsim.result import Result

assemble, balance, dispatch, solve = fs.assemble, fs.balance, fs.dispatch, fs.solve
NICKEL = Path(__file__).parent.parent / "scenarios" / "nickel_loop.yaml"
STORE = """
flowsim: 1
year: 2025
layers: [{id: Cu, name: {en: copper, zh: 铜}}]
goods:
  scrap: {name: {en: scrap, zh: 废铜}, class: recyclable}
  water: {name: water, kind: water, class: fresh_water}
contents: {scrap: {Cu: 90 %}, water: {Cu: 0 %}}
processes: {yard: {kind: store}}
flows:
  - {id: comes, good: scrap, from: market, to: yard, amount: 10 t/a, source: "weighbridge"}
  - {id: rain, good: water, from: nature, to: yard, amount: 3 m3/a}
  - {id: goes, good: scrap, from: yard, to: market, amount: 4 t/a}
"""
OPEN_LOOP = """
flowsim: 1
year: 2025
goods: {ware: {name: ware}}
processes: {a: {kind: trade}, b: {kind: trade}}
flows:
  - {id: enters, good: ware, from: market, to: a, amount: 10 t/a}
  - {id: there, good: ware, from: a, to: b}
  - {id: back, good: ware, from: b, to: a}
  - {id: leaves, good: ware, from: b, to: market}
"""


def solved(tmp_path: Path, text: str, throw: bool = True) -> Result:
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return solve(assemble(fs.read(path)), throw=throw)


@pytest.fixture(scope="module")
def nickel() -> Result:
    return balance(assemble(fs.read(NICKEL, "all")))


def same(one: object, other: object) -> bool:
    """Equal to the last bit, kind of array included."""
    if dataclasses.is_dataclass(one):
        names = [item.name for item in dataclasses.fields(one) if item.name != "scenario"]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, pd.DataFrame):
        assert isinstance(other, pd.DataFrame) and list(one.columns) == list(other.columns)
        return all(same(one[name].to_numpy(), other[name].to_numpy()) for name in one.columns)
    if hasattr(one, "indptr"):
        return all(
            same(getattr(one, part), getattr(other, part)) for part in ("data", "indices", "indptr", "shape")
        )
    if isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray)
        if one.dtype.kind in "fiub":
            return one.dtype == other.dtype and one.tobytes() == other.tobytes()
        return one.tolist() == other.tolist()
    return one == other


def test_the_flow_table_has_one_row_for_each_layer_that_a_flow_carries(tmp_path: Path) -> None:
    flows = solved(tmp_path, STORE).flows
    columns = "year id from to good layer value unit sd how low high"
    assert list(flows.columns) == columns.split()
    rain = flows[flows["id"] == "rain"].set_index("layer")
    assert rain.loc["mass", "value"] == rain.loc["water", "value"] == 3
    assert (rain.loc["mass", "unit"], rain.loc["water", "unit"]) == ("t/a", "m3/a")
    assert flows[(flows["id"] == "comes") & (flows["layer"] == "Cu")]["value"].tolist() == [9]


def test_stocks_say_what_a_store_gains_in_each_layer(tmp_path: Path) -> None:
    stocks = solved(tmp_path, STORE).stocks
    assert list(stocks.columns) == ["year", "process", "layer", "change", "unit"]
    assert stocks.set_index("layer")["change"].to_dict() == pytest.approx({"mass": 9, "Cu": 5.4})


def test_processes_show_activity_against_capacity(nickel: Result) -> None:
    row = nickel.processes.set_index("id").loc["cathode"]
    assert (row["activity"], row["capacity"], row["load"]) == pytest.approx((85e3, 100e3, 0.85))
    assert row["unit"] == "t/a" and row["zh"] == "三元正极材料厂"


def test_every_process_closes_in_mass(nickel: Result) -> None:
    closure = nickel.closure("mass")
    columns = "process en zh layer in out stock_change difference share"
    assert list(closure.columns) == columns.split()
    assert closure["share"].abs().max() < 1e-9


def test_a_store_closes_with_its_stock_change(tmp_path: Path) -> None:
    yard = solved(tmp_path, STORE).closure("Cu").iloc[0]
    assert yard[["in", "out", "stock_change"]].tolist() == pytest.approx([9, 3.6, 5.4])
    assert yard["difference"] == pytest.approx(0)


def test_checks_hold_the_residual_and_the_place_of_every_row(nickel: Result) -> None:
    checks = nickel.checks
    assert len(checks) == len(nickel.system.rhs) == len(nickel.residuals)
    assert {"kind", "process", "flow", "good", "layer", "residual", "file", "line", "source"} == set(
        checks.columns
    )
    assert nickel.largest_residual[0] < 1e-9


def test_a_wrong_value_shows_in_the_residual(nickel: Result) -> None:
    wrong = nickel.x.copy()
    wrong[0] += 1000
    share, row = dataclasses.replace(nickel, x=wrong).largest_residual
    assert share > 1e-4
    assert nickel.system.flows["id"][0] in nickel.system.row_text(row)


def test_a_layer_that_nobody_knows_is_an_error(nickel: Result) -> None:
    with pytest.raises(InputError, match="there is no layer `Xx`. Known: mass, water, energy"):
        nickel.layer("Xx")


def test_the_origin_keeps_what_is_needed_to_run_it_again(nickel: Result) -> None:
    origin = nickel.origin
    assert origin["variant"] == "all" and origin["study"] == "dispatch" and origin["differences"]
    assert len(origin["digest"]) == 64 and {"python", "flowsim", "numpy", "scipy"} <= set(origin["versions"])


def test_a_result_that_was_saved_is_loaded_bit_for_bit(nickel: Result, tmp_path: Path) -> None:
    results.save(nickel, tmp_path / "nickel.flowsim")
    assert same(nickel, results.load(tmp_path / "nickel.flowsim"))


def test_an_undetermined_result_survives_saving(tmp_path: Path) -> None:
    result = solved(tmp_path, OPEN_LOOP, throw=False)
    assert np.isnan(result.x).any()
    results.save(result, tmp_path / "open")
    loaded = results.load(tmp_path / "open")
    assert same(result, loaded) and loaded.flows.equals(result.flows)


def test_a_loaded_result_gives_the_same_indicators_and_rows(nickel: Result, tmp_path: Path) -> None:
    results.save(nickel, tmp_path / "nickel")
    loaded = results.load(tmp_path / "nickel")
    assert loaded.system.text() == nickel.system.text()
    pd.testing.assert_frame_equal(fs.compare([loaded]).table, fs.compare([nickel]).table)


def test_saving_again_replaces_the_file_whole(nickel: Result, tmp_path: Path) -> None:
    path = tmp_path / "twice"
    results.save(nickel, path)
    results.save(nickel, path)
    assert [item.name for item in tmp_path.iterdir()] == ["twice"]


def test_saving_into_a_folder_that_is_not_there_leaves_nothing(nickel: Result, tmp_path: Path) -> None:
    with pytest.raises((InputError, OSError)):
        results.save(nickel, tmp_path / "nowhere" / "x")
    assert list(tmp_path.iterdir()) == []


def test_loading_what_is_missing_or_no_result_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        results.load(tmp_path / "missing")
    (tmp_path / "text").write_text("no database", encoding="utf-8")
    with pytest.raises(InputError, match="this is no flowsim result. Save one with `flowsim run --save`"):
        results.load(tmp_path / "text")
    sqlite3.connect(tmp_path / "empty").execute("create table other (a)")
    with pytest.raises(InputError, match="this is no flowsim result"):
        results.load(tmp_path / "empty")


def test_a_newer_format_is_named(nickel: Result, tmp_path: Path) -> None:
    path = tmp_path / "newer"
    results.save(nickel, path)
    with sqlite3.connect(path) as connection:
        connection.execute("update meta set value = '99' where key = 'format'")
    with pytest.raises(InputError, match=f"has format 99. This flowsim reads format {results.FORMAT}."):
        results.load(path)


def test_an_export_is_a_folder_of_csv_and_one_json(nickel: Result, tmp_path: Path) -> None:
    written = results.export(nickel, tmp_path / "out")
    assert sorted(path.name for path in written) == sorted(path.name for path in (tmp_path / "out").iterdir())
    flows = pd.read_csv(tmp_path / "out" / "flows.csv", encoding="utf-8-sig")
    np.testing.assert_array_equal(flows["value"], nickel.flows["value"])
    stored = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert stored["flowsim_json"] == results.FORMAT and stored["variant"] == "all"


def test_an_export_onto_a_file_is_refused(nickel: Result, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("keep", encoding="utf-8")
    with pytest.raises(InputError, match="this is a file, but a folder is wanted"):
        results.export(nickel, tmp_path / "taken")
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "keep"


def test_json_holds_null_for_what_is_missing_or_unbounded(tmp_path: Path) -> None:
    result = solved(tmp_path, OPEN_LOOP, throw=False)
    assert np.isinf(result.high).any()
    stored = json.loads(json.dumps(results.as_json(result), allow_nan=False))
    there = next(flow for flow in stored["flows"] if flow["id"] == "there")
    assert (there["value"], there["low"], there["high"], there["how"]) == (None, 10, None, "undetermined")


def test_substances_that_are_not_followed_are_named(nickel: Result) -> None:
    note = next(note for note in nickel.all_notes() if "not followed" in note)
    assert "recycler" in note and "Declare the substance under `layers:`" in note
    assert "未跟踪" in nickel.all_notes("zh")[-1] and " at " not in nickel.all_notes("zh")[-1]


def test_a_result_shows_itself_in_one_line(nickel: Result) -> None:
    assert repr(nickel).startswith("<Result dispatch of Nickel-cobalt-lithium battery loop, all: ")
