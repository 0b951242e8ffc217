"""Water networks and heat cascades: published cases with their printed figures, laws, and every message."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import flowsim as fs
from flowsim.cli import main
from flowsim.errors import Infeasible, InputError
from flowsim.studies.heat_cascade import heat_cascade, problem_table
from flowsim.studies.water_arcs import Places
from flowsim.studies.water_network import target, water_network

ROOT = Path(__file__).parent.parent
CASES = str(ROOT / "scenarios" / "water_and_heat.yaml")
NAN = float("nan")


def places(*rows: dict[str, Any], substances: tuple[str, ...] = ("A",), **options: Any) -> Places:
    """Places from short rows; what a row does not say is missing."""

    def grid(name: str) -> np.ndarray:
        return np.array(
            [np.broadcast_to(np.array(row.get(name, NAN), float), len(substances)) for row in rows]
        )

    return Places(
        id=tuple(row["id"] for row in rows),
        kind=tuple(row["kind"] for row in rows),
        substances=substances,
        flow=np.array([row.get("flow", NAN) for row in rows], dtype=float),
        zone=tuple(row.get("zone", "") for row in rows),
        **{name: grid(name) for name in ("inlet", "outlet", "load", "removal")},
        **options,
    )


def use(name: str, load: Any, inlet: Any, outlet: Any) -> dict[str, Any]:
    return {"id": name, "kind": "use", "load": load, "inlet": inlet, "outlet": outlet}


FRESH, SEWER = {"id": "fresh", "kind": "fresh", "outlet": 0.0}, {"id": "sewer", "kind": "discharge"}
REGENERATION = {"id": "regeneration", "kind": "treatment", "outlet": 5.0}

# Wang and Smith (1994), Chem. Eng. Sci. 49, 981: loads in g/h, concentrations in ppm, flows in t/h
WANG_SMITH = [
    FRESH, SEWER,
    use("1", 2000, 0, 100), use("2", 5000, 50, 100), use("3", 30000, 50, 800), use("4", 4000, 400, 800),
]  # fmt: skip

# Polley and Polley (2000), Chem. Eng. Prog. 96(2), 47: flows in t/h, concentrations in ppm
POLLEY = [
    FRESH, SEWER,
    *({"id": f"d{n}", "kind": "sink", "flow": f, "inlet": c}
      for n, (f, c) in enumerate([(50, 20), (100, 50), (80, 100), (70, 200)], 1)),
    *({"id": f"s{n}", "kind": "source", "flow": f, "outlet": c}
      for n, (f, c) in enumerate([(50, 50), (100, 100), (70, 150), (60, 250)], 1)),
]  # fmt: skip


def test_wang_and_smith_with_reuse() -> None:
    """Printed: 112.5 t/h without reuse, 90 t/h with it, pinch at 100 ppm."""
    made = water_network(places(*WANG_SMITH))
    assert made.fresh == pytest.approx(90.0, rel=1e-8)
    assert made.without_reuse == pytest.approx(112.5)
    assert made.pinch == 100.0
    assert made.exact and made.residual < 1e-9
    assert made.waste == pytest.approx(90.0)


def test_wang_and_smith_with_regeneration_and_reuse() -> None:
    """Printed: 46.2 t/h where regenerated water does not come back, 20 t/h where it may."""
    once = water_network(places(*WANG_SMITH, REGENERATION, recycle=False))
    assert once.fresh == pytest.approx(46.15, abs=0.01)
    assert once.treated == pytest.approx(46.15, abs=0.01)
    again = water_network(places(*WANG_SMITH, REGENERATION))
    assert again.fresh == pytest.approx(20.0, rel=1e-6)
    assert max(once.residual, again.residual) < 1e-7


def test_polley_and_polley() -> None:
    """Printed: 70 t/h of fresh water, 50 t/h of waste water, pinch at 150 ppm."""
    made = water_network(places(*POLLEY))
    assert made.fresh == pytest.approx(70.0, rel=1e-8)
    assert made.waste == pytest.approx(50.0, rel=1e-8)
    assert made.pinch == 150.0
    assert target(places(*POLLEY)) == (pytest.approx(70.0), 150.0)


def test_two_contaminants() -> None:
    """Wang and Smith (1994), two operations with two contaminants; printed: 54 t/h."""
    rows = [
        FRESH,
        SEWER,
        use("1", [4000, 2000], [0, 25], [100, 75]),
        use("2", [5600, 2100], [80, 30], [240, 90]),
    ]
    made = water_network(places(*rows, substances=("A", "B")))
    assert made.fresh == pytest.approx(54.0, abs=0.01)
    assert made.exact and made.residual < 1e-7


def test_the_refinery_with_three_contaminants() -> None:
    """Wang and Smith (1994), stripping, desulfurisation, desalting; printed: 105.6 t/h."""
    rows = [
        FRESH, SEWER,
        use("stripping", [675, 18000, 1575], [0, 0, 0], [15, 400, 35]),
        use("hds", [3400, 414800, 4590], [20, 300, 45], [120, 12500, 180]),
        use("desalter", [5600, 1400, 520800], [120, 20, 200], [220, 45, 9500]),
    ]  # fmt: skip
    made = water_network(places(*rows, substances=("oil", "H2S", "solids")))
    assert made.fresh == pytest.approx(105.6, abs=0.05)
    assert made.exact and made.residual < 1e-7


def test_a_treatment_that_removes_a_share_is_a_search_with_a_bound() -> None:
    made = water_network(places(*WANG_SMITH, {"id": "filter", "kind": "treatment", "removal": 0.9}))
    assert made.bound <= made.fresh * (1 + 1e-9)
    assert made.fresh == pytest.approx(20.0, rel=1e-6) and made.exact


def test_the_pinch_is_shown_only_where_the_composite_curve_holds() -> None:
    tap = {"id": "tap", "kind": "fresh", "outlet": 10.0}
    limited = water_network(places({**FRESH, "flow": 60.0}, tap, *WANG_SMITH[1:]))
    assert limited.fresh > 90.0 and np.isnan(limited.pinch)
    open_inlet = water_network(places(FRESH, SEWER, use("rinsing", 1000, NAN, 100)))
    assert open_inlet.fresh == pytest.approx(10.0) and np.isnan(open_inlet.pinch)


def random_places(seed: int, uses: int = 3) -> list[dict[str, Any]]:
    draw = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = [FRESH, SEWER]
    for n in range(uses):
        inlet = float(draw.choice([0, 20, 50, 100]))
        rows.append(
            use(f"u{n}", float(draw.uniform(1, 50)) * 1000, inlet, inlet + float(draw.uniform(50, 500)))
        )
    for n in range(2):
        flow, level = float(draw.uniform(10, 80)), float(draw.uniform(30, 300))
        rows.append({"id": f"s{n}", "kind": "source", "flow": flow, "outlet": level})
        rows.append(
            {"id": f"d{n}", "kind": "sink", "flow": float(draw.uniform(10, 80)), "inlet": level * 0.7}
        )
    return rows


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_programme_agrees_with_the_composite_curve(seed: int) -> None:
    rows = random_places(seed)
    made = water_network(places(*rows))
    assert made.fresh == pytest.approx(target(places(*rows))[0], rel=1e-6, abs=1e-6)
    assert made.residual < 1e-7


@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_laws_of_water(seed: int) -> None:
    rows = random_places(seed)
    fresh = water_network(places(*rows)).fresh
    assert water_network(places(*reversed(rows))).fresh == pytest.approx(fresh, rel=1e-6)
    double = [{**row, **{key: 2 * row[key] for key in ("flow", "load") if key in row}} for row in rows]
    assert water_network(places(*double)).fresh == pytest.approx(2 * fresh, rel=1e-6)
    forbidden = water_network(places(*rows, forbid=((2, 3), (3, 4), (2, 4))))
    assert forbidden.fresh >= fresh * (1 - 1e-7)
    assert water_network(places(*rows, REGENERATION)).fresh <= fresh * (1 + 1e-7)
    once = water_network(places(*rows, REGENERATION, recycle=False))
    assert once.fresh >= water_network(places(*rows, REGENERATION)).fresh * (1 - 1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=4, deadline=None)
def test_several_substances_need_at_least_what_each_needs(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = [FRESH, SEWER]
    for n in range(3):
        inlet = draw.choice([0, 20, 60], 2)
        rows.append(use(f"u{n}", draw.uniform(1, 20, 2) * 1000, inlet, inlet + draw.uniform(50, 300, 2)))
    made = water_network(places(*rows, substances=("A", "B")), time_limit=3.0)
    for substance in (0, 1):
        alone = [
            {
                key: value if isinstance(value, str | float) else float(value[substance])
                for key, value in row.items()
            }
            for row in rows
        ]
        assert made.fresh >= target(places(*alone))[0] * (1 - 1e-6)
    assert made.bound <= made.fresh * (1 + 1e-9) and made.fresh <= made.without_reuse * (1 + 1e-9)
    assert made.residual < 1e-6


def test_what_no_water_can_serve_is_named() -> None:
    rows = [{**FRESH, "outlet": 30.0}, SEWER, use("rinsing", 1000, 20, 100), use("washing", 1000, 50, 100)]
    with pytest.raises(Infeasible, match="`rinsing` cannot get enough water that is clean enough") as caught:
        water_network(places(*rows))
    assert "washing" not in str(caught.value)
    with pytest.raises(Infeasible, match="`brine` has water that no place may take"):
        brine = {"id": "brine", "kind": "source", "flow": 10, "outlet": 5000}
        water_network(places(FRESH, {**SEWER, "inlet": 1000}, brine))


def test_a_network_without_givers_or_takers_is_refused() -> None:
    with pytest.raises(InputError, match="no place gives water"):
        water_network(places(SEWER))
    with pytest.raises(InputError, match="no place takes water"):
        water_network(places(FRESH))
    with pytest.raises(InputError, match="treating water only once needs one substance"):
        water_network(places(*WANG_SMITH, REGENERATION, substances=("A", "B"), recycle=False))
    with pytest.raises(InputError, match="composite curves are drawn for one substance"):
        target(places(*WANG_SMITH, substances=("A", "B")))


# ---- heat ----


def streams(*rows: tuple[str, bool, float, float, float], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "hot", "supply", "target", "duty"]).assign(**columns)


# Kemp (2007), Pinch Analysis and Process Integration, 2nd ed., four streams, kW
KEMP = streams(
    ("h2", True, 170, 60, 330),
    ("h4", True, 150, 30, 180),
    ("c1", False, 20, 135, 230),
    ("c3", False, 80, 140, 240),
)
# Smith (2005), Chemical Process Design and Integration, two hot and two cold streams, MW
SMITH = streams(
    ("h1", True, 250, 40, 31.5),
    ("h2", True, 200, 80, 30),
    ("c1", False, 20, 180, 32),
    ("c2", False, 140, 230, 27),
)


def test_four_streams_of_kemp() -> None:
    """Printed: 20 kW of heating, 60 kW of cooling, pinch at 85 (90 hot, 80 cold) for 10 K."""
    made = heat_cascade(KEMP, dtmin=10)
    assert (made.heating, made.cooling) == (pytest.approx(20), pytest.approx(60))
    assert made.pinches == (85.0,) and made.penalty == 0
    assert made.recovered == pytest.approx(450) and made.residual < 1e-12
    assert made.matches["duty"].sum() == pytest.approx(330 + 180 + 20)


def test_four_streams_of_smith_with_two_levels_of_steam() -> None:
    """Printed: 7.5 MW of heating, 10 MW of cooling, pinch at 150 / 140; 3 MW of it from steam at 180."""
    made = heat_cascade(SMITH, dtmin=10)
    assert (made.heating, made.cooling) == (pytest.approx(7.5), pytest.approx(10))
    assert made.pinches == (145.0,)
    steam = pd.DataFrame(
        {"id": ["hp", "mp"], "hot": [True, True], "supply": [240.0, 180.0], "target": [239.0, 179.0]}
    )
    levels = heat_cascade(SMITH, steam, dtmin=10).utilities.set_index("id")["duty"]
    assert levels["mp"] == pytest.approx(3.0) and levels["hp"] == pytest.approx(4.5)


def test_a_threshold_problem_has_no_pinch() -> None:
    made = heat_cascade(streams(("h", True, 200, 100, 500), ("c", False, 30, 150, 120)), dtmin=10)
    assert made.heating == 0 and made.pinches == ()
    assert made.cooling == pytest.approx(380)


def test_what_boils_and_condenses_at_one_temperature() -> None:
    both = streams(("steam", True, 120, 120, 50), ("boiler", False, 110, 110, 80), ("air", False, 20, 60, 10))
    made = heat_cascade(both, dtmin=10)
    assert (made.heating, made.cooling) == (pytest.approx(40), 0)
    assert heat_cascade(both, dtmin=11).heating == pytest.approx(80)


def test_cost_decides_between_utilities() -> None:
    levels = pd.DataFrame(
        {
            "id": ["hp", "mp", "lp_raised", "river"],
            "hot": [True, True, False, False],
            "supply": [260.0, 180.0, 100.0, 15.0],
            "target": [260.0, 180.0, 100.0, 20.0],
            "cost": [60.0, 45.0, -20.0, 1.0],
            "duty": [NAN, 2.0, NAN, NAN],
        }
    )
    made = heat_cascade(SMITH, levels, dtmin=10).utilities.set_index("id")["duty"]
    assert made["mp"] == pytest.approx(2.0) and made["hp"] == pytest.approx(5.5)
    assert made["lp_raised"] > 0
    assert made["lp_raised"] + made["river"] == pytest.approx(10.0)


def test_firms_that_share_no_heat_need_more() -> None:
    apart = KEMP.assign(zone=["a", "b", "b", "a"])
    made = heat_cascade(apart, dtmin=10)
    alone = made.zones.set_index("zone")
    for zone in ("a", "b"):
        part = problem_table(apart[apart["zone"] == zone], 10)
        assert alone.at[zone, "heating"] == pytest.approx(part.heating)
    assert alone["heating"].sum() >= made.heating
    crossing = made.matches[made.matches["from_zone"] != made.matches["to_zone"]]
    assert len(crossing)
    forbidden = heat_cascade(KEMP.assign(forbid=[("c1", "c3"), (), (), ()]), dtmin=10)
    assert forbidden.heating > made.heating
    assert forbidden.penalty == pytest.approx(forbidden.heating - 20)
    assert not ((forbidden.matches["hot"] == "h2") & forbidden.matches["cold"].isin(["c1", "c3"])).any()


def random_streams(seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    rows = []
    for n in range(int(draw.integers(2, 7))):
        low, span = draw.uniform(20, 200), draw.uniform(0, 150) * (draw.random() > 0.2)
        hot = bool(draw.random() > 0.5)
        ends = (low + span, low) if hot else (low, low + span)
        rows.append((f"s{n}", hot, *ends, draw.uniform(1, 100)))
    return streams(*rows)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_transshipment_agrees_with_the_problem_table(seed: int) -> None:
    made, table = heat_cascade(random_streams(seed), dtmin=10), problem_table(random_streams(seed), 10)
    scale = random_streams(seed)["duty"].sum()
    assert made.heating == pytest.approx(table.heating, abs=1e-7 * scale)
    assert made.cooling == pytest.approx(table.cooling, abs=1e-7 * scale)
    assert made.residual < 1e-9 and (table.heat >= 0).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_laws_of_heat(seed: int) -> None:
    some = random_streams(seed)
    scale = some["duty"].sum()
    wide, narrow = problem_table(some, 20), problem_table(some, 10)
    assert wide.heating >= narrow.heating - 1e-9 * scale
    doubled = problem_table(some.assign(duty=2 * some["duty"]), 10)
    assert doubled.heating == pytest.approx(2 * narrow.heating, abs=1e-7 * scale)
    assert problem_table(some[::-1], 10).heating == pytest.approx(narrow.heating, abs=1e-9 * scale)
    parts = [
        problem_table(some[::2], 10).heating,
        problem_table(some[1::2], 10).heating if len(some) > 1 else 0,
    ]
    assert sum(parts) >= narrow.heating - 1e-9 * scale


def test_brute_force_over_temperatures() -> None:
    """The most heat that is missing above any temperature is what must be bought."""
    for seed in range(20):
        some = random_streams(seed)
        sign = np.where(some["hot"], -1.0, 1.0)
        ends = some[["supply", "target"]].to_numpy() + 5 * sign[:, None]
        lack = [0.0]
        for level in itertools.chain.from_iterable((at - 1e-9, at + 1e-9) for at in ends.ravel()):
            high, low = ends.max(axis=1), ends.min(axis=1)
            above = np.clip((high - np.maximum(low, level)) / np.where(high > low, high - low, 1), 0, 1)
            above = np.where(high > low, above, high > level)
            lack.append(float((sign * above * some["duty"]).sum()))
        assert problem_table(some, 10).heating == pytest.approx(max(lack), abs=1e-4)


def test_what_no_utility_can_serve_is_named() -> None:
    mild = pd.DataFrame({"id": ["mp"], "hot": [True], "supply": [180.0], "target": [180.0]})
    with pytest.raises(Infeasible, match="`c2` needs 4.5 GJ/a of heat that nothing allowed can give"):
        heat_cascade(SMITH, mild, dtmin=10)
    with pytest.raises(InputError, match="no hot and no cold stream"):
        heat_cascade(SMITH[:0])
    with pytest.raises(InputError, match="-1 K is no smallest temperature difference"):
        heat_cascade(SMITH, dtmin=-1)


# ---- the scenario language and the command line ----


def run(*arguments: str) -> str:
    ran = CliRunner().invoke(main, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_the_commands_print_the_published_figures() -> None:
    water = json.loads(run("water", CASES, "--json"))
    assert water["fresh"] / 8000 == pytest.approx(90.0)
    assert water["pinch"] == pytest.approx(100e-6)
    once = json.loads(run("water", CASES, "--variant", "treated", "--once", "--json"))
    assert once["fresh"] / 8000 == pytest.approx(46.15, abs=0.01)
    heat = json.loads(run("heat", CASES, "--json"))
    assert heat["heating"] / (8000 * 3.6e-3) == pytest.approx(20.0)
    assert heat["pinches"] == [85.0]


@pytest.mark.parametrize(
    ("lang", "words"), [("en", ("river water", "gas scrubbing")), ("zh", ("河水", "气体洗涤"))]
)
def test_the_tables_speak_both_languages(lang: str, words: tuple[str, ...]) -> None:
    for command in ("water", "heat"):
        text = run(command, CASES, "--lang", lang)
        assert "nan" not in text
        if command == "water":
            assert all(word in text for word in words)


def test_tables_and_curves_are_written(tmp_path: Path) -> None:
    run("heat", CASES, "-o", str(tmp_path / "curve.svg"), "--out", str(tmp_path / "out"))
    run("water", CASES, "--out", str(tmp_path / "out"))
    assert (tmp_path / "curve.svg").read_text(encoding="utf-8").startswith("<svg")
    flows = pd.read_csv(tmp_path / "out" / "flows.csv")
    assert flows.loc[flows["from"] == "river", "flow"].sum() == pytest.approx(720_000)
    assert {"matches.csv", "heat_cascade.json"} <= {path.name for path in (tmp_path / "out").iterdir()}


BASE = """
flowsim: 1
year: 2025
goods:
  brine: {name: brine, kind: water, class: wastewater, fate: water}
  steam: {name: steam, kind: energy, class: heat}
processes:
  plant: {name: plant, firm: one}
  mill: {name: mill, firm: two}
flows:
  - {id: brine_out, good: brine, from: plant, to: water, amount: 300 m3/a}
  - {id: intake, good: brine, from: market, to: plant, amount: 300 m3/a}
  - {id: steam_in, good: steam, from: market, to: mill, amount: 500 GJ/a}
  - {id: steam_out, good: steam, from: mill, to: market, amount: 500 GJ/a}
"""


def scenario(tmp_path: Path, text: str) -> fs.Scenario:  # type: ignore[name-defined]
    path = tmp_path / "s.yaml"
    path.write_text(BASE + text, encoding="utf-8")
    return fs.read(path)


def test_amounts_come_from_the_balanced_scenario(tmp_path: Path) -> None:
    made = scenario(
        tmp_path,
        """
waters:
  tap: {kind: fresh}
  sewer: {kind: discharge}
  brine: {kind: source, at: plant, amount_of: brine_out}
  rinse: {kind: sink, at: mill, flow: 200 m3/a}
water_quality:
  brine: {salt: {outlet: 100 mg/L}}
  rinse: {salt: {inlet: 50 mg/L}}
heats:
  warm: {kind: hot, at: mill, supply: 90, target: 40, amount_of: steam_in}
  cold: {kind: cold, at: plant, supply: 20, target: 60, duty: 100 GJ/a}
""",
    )
    result = fs.balance(fs.assemble(made))
    network = fs.water(made, result)
    assert network.fresh == pytest.approx(100.0) and network.waste == pytest.approx(200.0)
    assert set(network.flows["to_zone"]) == {"", "two"} | {"sewer"} - {"sewer"}
    cascade = fs.heat(made, result)
    assert cascade.heating == 0 and cascade.cooling == pytest.approx(400.0)
    with pytest.raises(InputError, match="`amount_of: brine_out` needs the balanced scenario"):
        fs.water(made)
    with pytest.raises(InputError, match="has no `waters`"):
        fs.water(fs.read(ROOT / "scenarios" / "seven_flows.yaml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("heats: {a: {kind: hot, supply: 20, target: 80, duty: 1 GJ/a}}", "what gives heat must cool down"),
        ("heats: {a: {kind: cold, supply: 80, target: 20, duty: 1 GJ/a}}", "what takes heat must warm up"),
        ("heats: {a: {kind: hot, supply: 80}}", "a stream needs its heat"),
        ("heats: {a: {kind: hot, supply: 80, duty: 1 MW}}", "`duty` is in GJ/h"),
        ("heats: {a: {kind: hot, supply: 80, duty: 1 t/a}}", "`heat` is counted in GJ/a"),
        ("heats: {a: {kind: hot, supply: -300, duty: 1 GJ/a}}", "`supply` is below absolute zero"),
        (
            "heats: {a: {kind: cold, supply: -300, target: -290, duty: 1 GJ/a}}",
            "`supply` is below absolute zero",
        ),
        (
            "heats: {a: {kind: hot, supply: 80, target: -280, duty: 1 GJ/a}}",
            "`target` is below absolute zero",
        ),
        ("heats: {a: {kind: hot, supply: 80, duty: 1 GJ/a, amount_of: steam_in}}", "say the same"),
        (
            "heats: {a: {kind: hot_utility, supply: 80, amount_of: steam_in}}",
            "a utility takes no `amount_of`",
        ),
        ("heats: {a: {kind: hot, supply: 80, duty: 1 GJ/a, cost: 3 CNY/GJ}}", "`cost` belongs to utilities"),
        ("heats: {a: {kind: hot, supply: 80, duty: 1 GJ/a, shift: -2}}", "`shift` is below 0"),
        ("heats: {a: {kind: hot, supply: 80, duty: 1 GJ/a, forbid: [b]}}", "there is no `b` in `heats`"),
        ("heats: {a: {kind: hot, supply: 80, duty: 1 GJ/a, at: kiln}}", "there is no process `kiln`"),
        (
            "heats: {a: {kind: hot, supply: 80, amount_of: slag}}",
            "there is no flow or good of a flow, `slag`",
        ),
        ("waters: {a: {kind: source}}", "a source or sink needs its flow"),
        ("waters: {a: {kind: source, flow: 1 m3/a, amount_of: brine_out}}", "say the same"),
        ("waters: {a: {kind: use}}", "nothing says what this use does to the water"),
        ("waters: {a: {kind: treatment}}", "nothing says what this treatment does to the water"),
        ("waters: {a: {kind: sink, flow: 1 m3/h}}", "`flow` is in m3/h"),
        ("water_quality: {a: {salt: {outlet: 1 mg/L}}}", "there is no place `a`"),
        ("water_quality: {a: 1 mg/L}", "must map substances to concentrations"),
        ("water_quality: [{water: a}]", "`water_quality` must be a mapping"),
        (
            "waters: {a: {kind: fresh}}\nwater_quality: {a: {salt: {load: 1 t/a}}}",
            "`load` says nothing of this kind",
        ),
        (
            "waters: {a: {kind: use}}\nwater_quality: {a: {salt: {load: 1 t/a}}}",
            "a load needs the highest `outlet`",
        ),
        ("waters: {a: {kind: use}}\nwater_quality: {a: {salt: {outlet: 1 mg/L}}}", "a use needs its load"),
        (
            "waters: {a: {kind: use}}\nwater_quality: {a: {s: {load: 1 t/a, inlet: 2 mg/L, outlet: 1 mg/L}}}",
            "`inlet` is not below `outlet`",
        ),
        (
            "waters: {a: {kind: treatment}}\nwater_quality: {a: {salt: {removal: 50 %, outlet: 1 mg/L}}}",
            "`outlet` and `removal` say the same",
        ),
        (
            "waters: {a: {kind: treatment}}\nwater_quality: {a: {salt: {removal: 150 %}}}",
            "is over 100 %",
        ),
    ],
)
def test_bad_tables_are_refused_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        scenario(tmp_path, text)
    assert message in str(caught.value)
    assert all(problem.line for problem in caught.value.problems if message in str(problem))


def test_a_match_on_one_side_is_no_match(tmp_path: Path) -> None:
    text = """
heats:
  a: {kind: hot, supply: 90, target: 40, duty: 5 GJ/a, forbid: [b]}
  b: {kind: hot, supply: 80, target: 40, duty: 5 GJ/a}
"""
    with pytest.raises(InputError, match="`a` and `b` never meet: both are on one side"):
        fs.heat(scenario(tmp_path, text))
