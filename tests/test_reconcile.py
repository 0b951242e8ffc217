"""Reconciliation: published answers, laws, an independent optimiser, calibration, and every message."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.sparse import csc_array, csr_array, diags_array, eye_array, kron, random_array

import flowsim as fs
from flowsim.errors import Contradiction, Infeasible, InputError
from flowsim.indicators.uncertain import indicator_weights, uncertain_indicators
from flowsim.studies.adjust import adjust, factor_at
from flowsim.studies.inverse import Quasidefinite, least_fill
from flowsim.studies.measure import next_measurements
from flowsim.studies.problem import Model
from flowsim.studies.reconcile import reconcile
from flowsim.studies.reconciliation import CLASSES, Reconciliation
from flowsim.studies.uncertain import build, uncertain_data
from flowsim.system import System
from flowsim.views.reconcile_text import next_grid, plus_minus, reconcile_grids, verdict
from flowsim.views.text import print_grids

ROOT = Path(__file__).parents[1]
SEVEN = ROOT / "scenarios" / "seven_flows.yaml"
GOLDEN = ROOT / "tests" / "golden"
Flow = tuple[str, str, str, float, float]


def system_of(
    flows: list[Flow], facts: list[dict[str, object]] | None = None, **tables: pd.DataFrame
) -> System:
    """A system from flows (id, from, to, amount, sd) and facts, in t/a."""
    table = pd.DataFrame(flows, columns=["id", "from", "to", "amount", "sd"]).assign(good="m")
    places = set(table["from"]) | set(table["to"])
    processes = sorted(places - {"market", "nature", "landfill", "air", "water", "treatment"})
    given = {
        "goods": pd.DataFrame({"id": ["m"]}),
        "processes": pd.DataFrame({"id": processes}),
        "flows": table,
        **({"facts": pd.DataFrame(facts)} if facts else {}),
    }
    return fs.assemble(fs.from_tables(**{**given, **tables}))


def seven(variant: str | None = None, **options: object) -> Reconciliation:
    return reconcile(fs.assemble(fs.read(SEVEN, variant)), **options)  # type: ignore[arg-type]


def after(answer: Reconciliation) -> dict[str, float]:
    return dict(zip(answer.values["id"], answer.values["value"], strict=True))


def spread(answer: Reconciliation) -> dict[str, float]:
    return dict(zip(answer.values["id"], answer.values["sd"], strict=True))


def datum(answer: Reconciliation, name: str) -> pd.Series:
    return answer.data.set_index("id").loc[name]


NAN = float("nan")
BRIDGE: list[Flow] = [
    ("a", "market", "p", 100.0, 4.0),
    ("b", "p", "q", 90.0, 5.0),
    ("c", "p", "market", 20.0, 2.0),
    ("d", "q", "market", 60.0, 3.0),
    ("e", "q", "landfill", 25.0, 2.0),
]


# ---- published answers ----


def test_the_seven_flows_of_cencic_are_met_to_every_printed_digit() -> None:
    answer = seven()
    value, sd = after(answer), spread(answer)
    assert value["f1"] == pytest.approx(102.425959659, abs=5e-10)
    assert value["f3"] == pytest.approx(302.416229385, abs=5e-10)
    assert value["f4"] == pytest.approx(149.990269726, abs=5e-10)
    assert value["f5"] == pytest.approx(152.425959659, abs=5e-10)
    assert sd["f1"] == pytest.approx(7.882792412, abs=5e-10)
    assert sd["f3"] == pytest.approx(22.608614339, abs=5e-10)
    assert sd["f4"] == pytest.approx(21.213296931, abs=5e-10)
    assert sd["f5"] == pytest.approx(7.882792412, abs=5e-10)
    share = datum(answer, "transfer:f4@p2")
    assert share["after"] == pytest.approx(0.495972951025, abs=5e-13)
    assert share["sd_after"] == pytest.approx(0.037681023899, abs=5e-13)
    assert answer.test["objective"] == pytest.approx(0.295912779, abs=5e-10)
    assert answer.test["dof"] == 2
    assert answer.test["p"] == pytest.approx(0.8625, abs=5e-5)


def test_the_heat_exchanger_with_bypass_of_narasimhan_and_jordache() -> None:
    """Data Reconciliation and Gross Error Detection (2000), example 1-1: six flows of equal variance round a
    splitter, an exchanger, a valve and a mixer. The figures are recalled, and follow from the closed form."""
    flows: list[Flow] = [
        ("f1", "market", "splitter", 101.91, 1.0), ("f2", "splitter", "exchanger", 64.45, 1.0),
        ("f3", "splitter", "valve", 34.65, 1.0), ("f4", "exchanger", "mixer", 64.20, 1.0),
        ("f5", "valve", "mixer", 36.44, 1.0), ("f6", "mixer", "market", 98.88, 1.0),
    ]  # fmt: skip
    value = reconcile(system_of(flows)).values["value"].to_numpy()
    assert value == pytest.approx([100.22, 64.50, 35.72, 64.50, 35.72, 100.22], abs=5e-3)


def test_the_two_unobservable_flows_lie_between_nothing_and_all_of_f5() -> None:
    table = seven().values.set_index("id").loc[["f6", "f7"]]
    assert (table["class"] == "unobservable").all()
    assert table["value"].isna().all() and table["sd"].isna().all()
    assert table["low"].to_numpy() == pytest.approx([0.0, 0.0], abs=1e-9)
    assert table["high"].to_numpy() == pytest.approx([152.425959659] * 2, abs=1e-6)


def test_stating_that_both_are_equal_makes_them_observable() -> None:
    answer = seven("equal_outputs")
    for flow in ("f6", "f7"):
        assert after(answer)[flow] == pytest.approx(76.212980, abs=5e-7)
        assert spread(answer)[flow] == pytest.approx(3.941396, abs=5e-7)


def test_exact_data_that_contradict_each_other_are_named_with_the_gap_and_the_mend() -> None:
    with pytest.raises(Contradiction) as caught:
        reconcile(fs.assemble(fs.read(GOLDEN / "contradiction.yaml")))
    head, *facts = caught.value.problems
    assert "4 facts that are stated as exact cannot all hold; the gap is -30." in head.message
    assert [fact.message.split(": ")[1].split(" = ")[0] for fact in facts] == ["f1", "f2", "f3", "f4"]
    assert [fact.hint for fact in facts] == [
        f"{value} would mend it." for value in ("130", "230", "120", "150")
    ]


# ---- classes, suspects, what to measure ----


def test_every_number_has_its_class() -> None:
    flows: list[Flow] = [
        ("a", "market", "p", 100.0, 4.0), ("b", "p", "q", 95.0, 5.0), ("c", "q", "r", NAN, NAN),
        ("d", "q", "market", 5.0, NAN), ("e", "r", "market", NAN, NAN), ("f", "r", "landfill", NAN, NAN),
        ("g", "market", "s", 7.0, 1.0), ("h", "s", "market", NAN, NAN),
    ]  # fmt: skip
    classes = reconcile(system_of(flows)).values.set_index("id")["class"].to_dict()
    assert classes == {
        "a": "redundant", "b": "redundant", "c": "deduced", "d": "exact", "e": "unobservable",
        "f": "unobservable", "g": "just_determined", "h": "deduced",
    }  # fmt: skip


def test_a_just_determined_number_keeps_its_value_and_its_uncertainty() -> None:
    answer = reconcile(system_of([*BRIDGE, ("g", "market", "s", 7.0, 1.0), ("h", "s", "market", NAN, NAN)]))
    assert after(answer)["g"] == 7.0
    assert spread(answer)["h"] == pytest.approx(1.0, rel=1e-12)


def test_the_answer_balances_and_says_how_each_flow_came() -> None:
    result = seven().result
    assert result.largest_residual[0] < 1e-12
    assert dict(zip(result.flows["id"], result.flows["how"], strict=True)) == {
        "f1": "reconciled", "f2": "given", "f3": "reconciled", "f4": "solved", "f5": "reconciled",
        "f6": "undetermined", "f7": "undetermined",
    }  # fmt: skip


def test_leaving_a_datum_out_lowers_the_objective_by_the_square_of_its_test() -> None:
    answer = reconcile(system_of(BRIDGE))
    for suspect in answer.suspects.itertuples():
        again = reconcile(system_of(BRIDGE), without=[suspect.id])
        assert again.test["objective"] == pytest.approx(suspect.objective_without, abs=1e-9)
        assert again.test["objective"] == pytest.approx(answer.test["objective"] - suspect.test**2, abs=1e-9)
        assert again.test["dof"] == answer.test["dof"] - 1


def test_data_that_only_check_each_other_are_said_to_test_alike() -> None:
    answer = reconcile(system_of([("a", "market", "p", 100.0, 4.0), ("b", "p", "market", 90.0, 5.0)]))
    assert answer.suspects["alike"].tolist() == ["b", "a"]
    assert answer.suspects["test"].to_numpy() == pytest.approx([10 / 41**0.5] * 2)


def noisy(random: np.random.Generator, gross: dict[str, float]) -> System:
    """A chain of five processes with side streams, every flow measured to 2 %, some far off."""
    truth = {"in": 1000.0}
    flows = [("in", "market", "p0")]
    for at in range(5):
        truth[f"side{at}"], truth[f"main{at}"] = 100.0, 900.0 - 100.0 * at
        flows += [
            (f"side{at}", f"p{at}", "landfill"),
            (f"main{at}", f"p{at}", f"p{at + 1}" if at < 4 else "market"),
        ]
    rows = []
    for name, source, target in flows:
        sd = 0.02 * truth[name]
        rows.append((name, source, target, truth[name] + sd * random.normal() + gross.get(name, 0.0), sd))
    return system_of(rows)


@pytest.mark.parametrize("culprit", ["main1", "main2", "main3"])
def test_a_planted_gross_error_is_the_first_suspect_and_is_eliminated(culprit: str) -> None:
    system = noisy(np.random.default_rng(1), {culprit: 200.0})
    answer = reconcile(system)
    assert not answer.test["passed"]
    assert any("disagree by more than" in note for note in answer.notes)
    assert answer.suspects["id"].iloc[0] == culprit and answer.suspects["suspect"].iloc[0]
    cleaned = reconcile(system, eliminate=True)
    assert cleaned.eliminated == (culprit,)
    assert cleaned.test["passed"]
    assert datum(cleaned, culprit)["class"] == "left_out"


def test_two_gross_errors_are_eliminated_one_after_the_other() -> None:
    system = noisy(np.random.default_rng(2), {"main0": 300.0, "main3": -250.0})
    assert set(reconcile(system, eliminate=True).eliminated) == {"main0", "main3"}


def test_what_to_measure_next_says_what_really_comes_of_it() -> None:
    flows = [flow if flow[0] != "b" else ("b", "p", "q", NAN, NAN) for flow in BRIDGE]
    answer = reconcile(system_of(flows))
    table = next_measurements(answer, "a", cv=0.02)
    new = table[table["what"] == "new"].iloc[0]
    measured = reconcile(system_of([*flows[:1], ("b", "p", "q", 90.0, float(new["sd"])), *flows[2:]]))
    assert (new["id"], spread(measured)["a"]) == ("b", pytest.approx(new["sd_after"], rel=1e-9))
    better = table[(table["what"] == "better") & (table["id"] == "a")].iloc[0]
    sharper = reconcile(system_of([("a", "market", "p", 100.0, 2.0), *flows[1:]]))
    assert spread(sharper)["a"] == pytest.approx(better["sd_after"], rel=1e-9)


def test_what_makes_an_unobservable_flow_observable_is_named() -> None:
    table = next_measurements(seven(), "f6")
    assert table["id"].tolist() == ["f6", "f7"]
    expected = np.hypot(0.05 * 152.425959659 / 2, 7.882792412)
    assert table["sd_after"].iloc[1] == pytest.approx(expected, rel=1e-3)
    assert np.isinf(table["sd_before"]).all()


def test_asking_for_an_unknown_target_names_the_nearest() -> None:
    with pytest.raises(InputError, match="there is no unknown `f66`. Did you mean `f6`"):
        next_measurements(seven(), "f66")


# ---- every kind of row and datum ----


def test_repeated_measurements_of_one_flow_are_weighted_together() -> None:
    facts = [{"given": "a", "amount": 110.0, "sd": 3.0}]
    answer = reconcile(system_of([("a", "market", "p", 100.0, 4.0), ("b", "p", "market", NAN, NAN)], facts))
    assert answer.data["id"].tolist() == ["a", "a#2"]
    weights = np.array([1 / 16, 1 / 9])
    assert after(answer)["a"] == pytest.approx((weights @ [100.0, 110.0]) / weights.sum())
    assert spread(answer)["b"] == pytest.approx(weights.sum() ** -0.5)


def test_correlated_data_follow_generalised_least_squares() -> None:
    answer = reconcile(system_of(BRIDGE), correlations=[("a", "c", 0.6), ("d", "e", -0.3)])
    value = np.array([flow[3] for flow in BRIDGE])
    sd = np.array([flow[4] for flow in BRIDGE])
    relation = np.eye(5)
    relation[0, 2] = relation[2, 0] = 0.6
    relation[3, 4] = relation[4, 3] = -0.3
    covariance = relation * np.outer(sd, sd)
    balance = np.array([[1.0, -1, -1, 0, 0], [0, 1, 0, -1, -1]])
    gain = covariance @ balance.T @ np.linalg.inv(balance @ covariance @ balance.T)
    expected = covariance - gain @ balance @ covariance
    assert answer.values["value"].to_numpy() == pytest.approx(value - gain @ balance @ value, rel=1e-10)
    assert answer.covariance(np.eye(5)) == pytest.approx(expected, abs=1e-9)
    adjustment = np.linalg.inv(covariance) @ gain @ balance @ value
    power = np.abs(adjustment) / np.sqrt(
        np.diag(balance.T @ np.linalg.inv(balance @ covariance @ balance.T) @ balance)
    )
    assert answer.data["test"].to_numpy() == pytest.approx(power, rel=1e-9)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("a", "x", 0.5)], "there is no uncertain datum `x`"),
        ([("a", "a", 0.5)], "a correlation of 0.5 between `a` and `a` cannot be"),
        ([("a", "b", 1.0)], "a correlation of 1 between `a` and `b` cannot be"),
        ([("a", "b", 0.9), ("b", "c", 0.9), ("a", "c", -0.9)], "the correlations contradict each other"),
    ],
)
def test_a_correlation_that_cannot_be_is_refused(pairs: list[tuple[str, str, float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        reconcile(system_of(BRIDGE), correlations=pairs)


def test_a_level_of_significance_outside_0_to_1_is_refused() -> None:
    with pytest.raises(InputError, match="alpha is 5"):
        reconcile(system_of(BRIDGE), alpha=5)


def test_a_flow_that_would_be_negative_is_held_at_zero_and_said_so() -> None:
    flows: list[Flow] = [
        ("a", "market", "p", 10.0, 1.0),
        ("b", "p", "market", 14.0, 1.0),
        ("c", "p", "landfill", NAN, NAN),
    ]
    free, held = reconcile(system_of(flows), bounds=False), reconcile(system_of(flows))
    assert after(free)["c"] == pytest.approx(-4.0)
    assert after(held) == pytest.approx({"a": 12.0, "b": 12.0, "c": 0.0})
    assert held.test["objective"] == pytest.approx(8.0)
    assert any(note.startswith("bounds hold c") for note in held.notes)


def test_a_share_stays_between_nothing_and_all() -> None:
    flows: list[Flow] = [
        ("a", "market", "p", 100.0, 1.0),
        ("b", "p", "market", 104.0, 1.0),
        ("c", "p", "landfill", NAN, NAN),
    ]
    answer = reconcile(system_of(flows, [{"transfer": "b", "at": "p", "value": 0.99, "sd": 0.05}]))
    assert datum(answer, "transfer:b@p")["after"] == pytest.approx(1.0, abs=1e-9)
    assert after(answer)["c"] == pytest.approx(0.0, abs=1e-7)


def test_bounds_that_exact_facts_leave_no_room_for_are_named() -> None:
    flows: list[Flow] = [
        ("a", "market", "p", 10.0, NAN),
        ("b", "p", "market", 14.0, NAN),
        ("c", "p", "landfill", NAN, NAN),
    ]
    with pytest.raises(Infeasible, match="c ≥ 0 is missed by 4"):
        reconcile(system_of(flows))


def flotation(noise: float, seed: int) -> tuple[System, dict[str, float]]:
    """Rougher, scavenger and cleaner with middlings fed back: the feed is weighed, all seven streams are
    assayed for two metals. Flows that nobody weighs follow from the assays alone."""
    ends = {
        "feed": ("market", "ro"), "c1": ("ro", "cl"), "t1": ("ro", "sc"), "c2": ("sc", "cl"),
        "tail": ("sc", "landfill"), "conc": ("cl", "market"), "mid": ("cl", "ro"),
    }  # fmt: skip

    def split(feed: float, rougher: float, scavenger: float, cleaner: float) -> np.ndarray:
        out = np.zeros((7, 7))
        out[1, [0, 6]], out[2, [0, 6]] = rougher, 1 - rougher
        out[[3, 4], 2] = scavenger, 1 - scavenger
        out[5, [1, 3]], out[6, [1, 3]] = cleaner, 1 - cleaner
        return np.linalg.solve(np.eye(7) - out, feed * np.eye(7)[0])

    random = np.random.default_rng(seed)
    mass = split(1000.0, 0.12, 0.08, 0.4)
    metals = {"Cu": split(12.0, 0.75, 0.55, 0.8), "Zn": split(30.0, 0.35, 0.3, 0.5)}
    weighed = mass[0] * (1 + noise * random.normal())
    contents = [
        (good, layer, grade * (1 + noise * random.normal()), noise * grade)
        for layer, metal in metals.items()
        for good, grade in zip(ends, metal / mass, strict=True)
    ]
    flows = pd.DataFrame(
        [(name, name, *pair) for name, pair in ends.items()], columns=["id", "good", "from", "to"]
    )
    scenario = fs.from_tables(
        layers=pd.DataFrame({"id": list(metals)}),
        goods=pd.DataFrame({"id": list(ends)}),
        contents=pd.DataFrame(contents, columns=["good", "layer", "value", "sd"]),
        processes=pd.DataFrame({"id": ["ro", "sc", "cl"]}),
        flows=flows.assign(amount=[weighed] + [NAN] * 6, sd=[noise * mass[0]] + [NAN] * 6),
    )
    return fs.assemble(scenario), dict(zip(ends, mass, strict=True))


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_flows_that_nobody_weighs_follow_from_assays_of_two_metals(seed: int) -> None:
    system, truth = flotation(0.03, seed)
    answer = reconcile(system, starts=1)
    assert answer.test["dof"] == 3 and answer.test["passed"]
    row = answer.values.set_index("id").loc[list(truth)]
    assert (row["class"].iloc[1:] == "deduced").all()
    assert (np.abs(row["value"] - pd.Series(truth)) < 3 * row["sd"]).all()
    objective, _ = optimised(answer.model)
    assert answer.test["objective"] == pytest.approx(objective, rel=1e-5)


def test_starts_that_lose_their_way_do_not_spoil_the_others() -> None:
    """With assays to 30 % a random start may run off to where nothing can be factorised."""
    system, _ = flotation(0.3, 5)
    answer = reconcile(system)
    assert answer.test["objective"] < optimised(answer.model)[0] * (1 + 1e-6)
    assert answer.certificate["stationarity"] < 1e-8


def two_layers(facts: list[dict[str, object]], **content: object) -> System:
    """Ore is split into metal and slag; copper is followed; the ore's content may be uncertain."""
    flows = pd.DataFrame(
        [
            ("ore", "market", "p", 1000.0, 10.0),
            ("metal", "p", "market", 30.0, 2.0),
            ("slag", "p", "landfill", NAN, NAN),
        ],
        columns=["good", "from", "to", "amount", "sd"],
    ).assign(id=lambda table: table["good"])
    return fs.assemble(
        fs.from_tables(
            layers=pd.DataFrame({"id": ["Cu"]}),
            goods=pd.DataFrame({"id": ["ore", "metal", "slag"]}),
            contents=pd.DataFrame({"good": ["ore", "metal"], "layer": "Cu", "value": [0.02, 0.6], **content}),
            processes=pd.DataFrame({"id": ["p"]}),
            flows=flows,
            **({"facts": pd.DataFrame(facts)} if facts else {}),
        )
    )


def test_contents_and_flows_of_two_layers_are_adjusted_together() -> None:
    facts: list[dict[str, object]] = [
        {"transfer": "metal", "at": "p", "layer": "Cu", "value": 0.95, "sd": 0.01}
    ]
    answer = reconcile(two_layers(facts, sd=[0.001, 0.05]))
    assert answer.test["dof"] == 1
    flows = answer.result.flows.set_index(["id", "layer"])["value"]
    ore = datum(answer, "content:ore[Cu]")["after"]
    assert flows["ore", "Cu"] == pytest.approx(ore * flows["ore", "mass"], rel=1e-10)
    assert flows["ore", "Cu"] == pytest.approx(flows["metal", "Cu"] + flows["slag", "Cu"], rel=1e-10)


def test_quality_classes_give_default_uncertainties_only_when_asked() -> None:
    quality = ["official", "estimate", "", "literature", "official"]
    flows = pd.DataFrame([flow[:4] for flow in BRIDGE], columns=["id", "from", "to", "amount"])
    processes = pd.DataFrame({"id": ["p", "q"]})
    goods = pd.DataFrame({"id": ["m"]})
    tables = {"goods": goods, "processes": processes, "flows": flows.assign(good="m", quality=quality)}
    system = fs.assemble(fs.from_tables(**tables))
    with pytest.raises(Contradiction):
        reconcile(system)
    answer = reconcile(system, pedigree=True)
    cv = answer.data["sd_before"] / answer.data["before"]
    factor = np.array([1.1, 2.0, 1.33, 1.1])
    assert cv.to_numpy() == pytest.approx(np.log(factor) / 1.959964, rel=1e-6)
    assert any("4 numbers have the default uncertainty" in note for note in answer.notes)


@pytest.mark.parametrize(
    ("said", "sd"),
    [
        ({"sd": 3.0}, 3.0),
        ({"cv": 0.05}, 5.0),
        ({"ci95": 9.8}, 9.8 / 1.959963984540054),
        ({"low": 94.0, "high": 106.0}, 12 / 12**0.5),
        ({"low": 94.0, "high": 106.0, "distribution": "uniform"}, 12 / 12**0.5),
        ({"low": 94.0, "high": 106.0, "distribution": "triangular"}, 12 / 24**0.5),
        ({"low": 94.0, "high": 106.0, "distribution": "pert"}, 6 / 7**0.5),
        ({"low": 94.0, "high": 106.0, "distribution": "normal"}, 6 / 1.959963984540054),
        ({"low": 100 / 1.21, "high": 121.0, "distribution": "lognormal"}, 9.7486),
    ],
)
def test_every_form_of_uncertainty_becomes_its_standard_deviation(said: dict[str, object], sd: float) -> None:
    facts = [{"given": "b", "amount": 100.0, **said}]
    system = system_of([("a", "market", "p", NAN, NAN), ("b", "p", "market", NAN, NAN)], facts)
    assert uncertain_data(system, False)["sd"].tolist() == [pytest.approx(sd, rel=1e-4)]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"sd": 3.0, "cv": 0.1}, "b: its uncertainty is stated twice. Keep one of"),
        ({"low": 90.0}, "its range has one end"),
        ({"low": 101.0, "high": 110.0}, "the value lies outside `low` to `high`"),
        ({"sd": 3.0, "distribution": "uniform"}, "this distribution needs `low` and `high`"),
        ({"low": 0.0, "high": 110.0, "distribution": "lognormal"}, "a lognormal number is above 0"),
    ],
)
def test_an_uncertainty_that_cannot_be_is_refused(said: dict[str, object], message: str) -> None:
    facts = [{"given": "b", "amount": 100.0, **said}]
    with pytest.raises(InputError, match=message):
        system_of([("a", "market", "p", NAN, NAN), ("b", "p", "market", NAN, NAN)], facts)


# ---- laws ----


def network(random: np.random.Generator, bent: bool) -> tuple[System, dict[str, float]]:
    """A random network with a loop, most flows measured, and some uncertain transfer coefficients."""
    count = int(random.integers(3, 6))
    through = random.uniform(100, 500, count)
    truth, flows, facts = {}, [], []
    into, out = through.copy(), through.copy()
    for p, q in ((p, q) for p in range(count) for q in range(count) if p != q and random.random() < 0.6):
        truth[f"x{p}{q}"] = amount = float(random.uniform(0.2, 0.9) * min(into[q], out[p]) / 2)
        flows.append((f"x{p}{q}", f"p{p}", f"p{q}"))
        into[q] -= amount
        out[p] -= amount
    for p in range(count):
        truth[f"in{p}"], truth[f"out{p}"] = float(into[p]), float(out[p])
        flows += [(f"in{p}", "market", f"p{p}"), (f"out{p}", f"p{p}", "market")]
    rows: list[Flow] = []
    for name, source, target in flows:
        sd = 0.05 * truth[name]
        seen = random.random() < 0.8
        rows.append(
            (name, source, target, truth[name] + sd * random.normal() if seen else NAN, sd if seen else NAN)
        )
        if bent and name[0] == "x" and random.random() < 0.6:
            value = truth[name] / through[int(source[1:])]
            said = float(np.clip(value * (1 + 0.05 * random.normal()), 0.01, 0.99))
            facts.append({"transfer": name, "at": source, "value": said, "sd": 0.05 * value})
    return system_of(rows, facts), truth


def optimised(model: Model) -> tuple[float, np.ndarray]:
    """The least objective by SciPy's general optimiser for constrained problems."""
    start = adjust(model, bounds=False)
    size = np.maximum(np.abs(start.x), 1.0)
    data = model.data

    def unpack(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return z[:data], z[data:] * size

    weight = model.weight.toarray()
    rows = 1.0 / np.maximum(abs(model.matrix) @ size, 1.0)
    found = minimize(
        lambda z: z[:data] @ weight @ z[:data],
        np.concatenate([np.zeros(data), np.ones(len(size))]),
        jac=lambda z: np.concatenate([2 * weight @ z[:data], np.zeros(len(size))]),
        constraints={
            "type": "eq",
            "fun": lambda z: rows * model.residual(*unpack(z)),
            "jac": lambda z: (
                rows[:, None] * model.jacobian(*unpack(z)).toarray() * np.concatenate([np.ones(data), size])
            ),
        },
        bounds=np.column_stack([model.lower, model.upper]) / np.concatenate([np.ones(data), size])[:, None],
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-13},
    )
    assert found.status in (0, 8)
    return float(found.fun), found.x[:data]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("bent", [False, True])
def test_an_independent_optimiser_agrees(seed: int, bent: bool) -> None:
    system, _ = network(np.random.default_rng(seed), bent)
    answer = reconcile(system, starts=1)
    objective, u = optimised(answer.model)
    assert answer.test["objective"] == pytest.approx(objective, rel=1e-5, abs=1e-7)
    assert answer.state.u == pytest.approx(u, abs=1e-3)
    assert answer.certificate["stationarity"] < 1e-8
    assert answer.certificate["feasibility"] < 1e-12


def test_redundancy_that_only_the_numbers_show_is_found_and_said() -> None:
    """Two balances of a loop without an exit are one: the pattern sees two rows for two flows."""
    flows: list[Flow] = [*BRIDGE, ("there", "r", "s", 10.0, 1.0), ("back", "s", "r", 12.0, 1.0)]
    answer = reconcile(system_of(flows))
    assert after(answer)["there"] == pytest.approx(11.0, rel=1e-9)
    assert spread(answer)["back"] == pytest.approx(0.5**0.5, rel=1e-6)
    assert answer.test["dof"] == reconcile(system_of(BRIDGE)).test["dof"] + 1


@pytest.mark.parametrize("seed", range(4))
def test_reconciling_twice_changes_nothing(seed: int) -> None:
    system, _ = network(np.random.default_rng(seed), bent=True)
    once = reconcile(system, starts=1)
    again = adjust(once.model, (once.state.u, once.state.x))
    assert again.u == pytest.approx(once.state.u, abs=1e-8)
    assert np.abs(adjust(once.model.restated(once.state.u)).u).max() < 1e-7


def test_the_unit_and_the_order_of_rows_do_not_matter() -> None:
    base = reconcile(system_of(BRIDGE))
    scaled = reconcile(system_of([(f, a, b, 1e-6 * x, 1e-6 * s) for f, a, b, x, s in reversed(BRIDGE)]))
    assert scaled.test["objective"] == pytest.approx(base.test["objective"], rel=1e-9)
    assert {name: 1e6 * value for name, value in after(scaled).items()} == pytest.approx(
        after(base), rel=1e-9
    )
    assert {name: 1e6 * value for name, value in spread(scaled).items()} == pytest.approx(
        spread(base), rel=1e-9
    )


def test_the_share_of_intervals_that_hold_the_truth_and_of_false_alarms_is_as_promised() -> None:
    """1,000 data sets at once: the problem is linear, so that the answer to each is one product."""
    random = np.random.default_rng(5)
    flows = [(name, source, target, 100.0, 5.0) for name, source, target, _, _ in BRIDGE]
    truth = np.array([100.0, 70.0, 30.0, 45.0, 25.0])
    model = reconcile(system_of(flows)).model
    sd = np.full(5, 5.0)
    drawn = truth + sd * random.normal(size=(1000, 5))
    answer = reconcile(
        system_of([(f, a, b, x, 5.0) for (f, a, b, _, _), x in zip(BRIDGE, truth, strict=True)])
    )
    state = adjust(model)
    gain = factor_at(model, state).covariance(np.arange(5))[5:]
    reconciled = answer.result.x + (drawn - truth) / sd @ gain.T
    half = 1.959964 * answer.result.sd
    hits = (np.abs(reconciled - truth) <= half).mean(axis=0)
    alarms = ((((drawn - reconciled) / sd) ** 2).sum(axis=1) > answer.test["critical"]).mean()
    assert hits == pytest.approx(np.full(5, 0.95), abs=0.021)
    assert alarms == pytest.approx(0.05, abs=0.021)


def test_a_bilinear_problem_is_calibrated_too() -> None:
    """1,000 data sets as 1,000 copies of the rows in one problem, each with its own data."""
    copies, truth = 1000, np.array([100.0, 60.0, 40.0])
    ends = [("a", "market", "p"), ("b", "p", "market"), ("c", "p", "landfill")]
    flows = [(*end, value, 3.0) for end, value in zip(ends, truth, strict=True)]
    system = system_of(flows, [{"transfer": "b", "at": "p", "value": 0.6, "sd": 0.03}])
    one = build(system, uncertain_data(system, False), (), ())
    noise = np.random.default_rng(11).normal(size=4 * copies)
    model = _repeated(one, copies).restated(noise)
    state = adjust(model, bounds=False)
    deviation = np.sqrt(factor_at(model, state).variances(model.data + np.arange(3 * copies))).reshape(-1, 3)
    hits = (np.abs(state.x.reshape(-1, 3) - truth) <= 1.959964 * deviation).mean(axis=0)
    alarms = ((state.u.reshape(-1, 4) ** 2).sum(axis=1) > 5.991).mean()
    assert state.converged
    assert hits == pytest.approx(np.full(3, 0.95), abs=0.021)
    assert alarms == pytest.approx(0.05, abs=0.021)


def _repeated(model: Model, copies: int) -> Model:
    """So many copies of a problem side by side."""
    eye = eye_array(copies, format="csr")
    shift = np.repeat(np.arange(copies) * model.data, len(model.datum))
    datum = np.tile(model.datum, copies)
    lower, upper = (np.full(copies * len(model.lower), end) for end in (-np.inf, np.inf))
    return Model(
        matrix=csr_array(kron(eye, model.matrix)), slope=csr_array(kron(eye, model.slope)),
        rhs=np.tile(model.rhs, copies), datum=np.where(datum >= 0, datum + shift, -1),
        given=np.tile(model.given, copies), value=np.tile(model.value, copies), sd=np.tile(model.sd, copies),
        correlation=eye_array(copies * model.data, format="csr"),
        left_out=np.zeros(copies * model.data, dtype=bool),
        lower=lower, upper=upper,
    )  # fmt: skip


# ---- several minima, skewed data, recipes, indicators ----


def valley(metal: float) -> System:
    """An uncertain feed times an uncertain share is an exact output: a hyperbola in two uncertain numbers."""
    flows: list[Flow] = [
        ("a", "market", "p", 100.0, 10.0),
        ("b", "p", "market", metal, NAN),
        ("c", "p", "landfill", NAN, NAN),
    ]
    return system_of(flows, [{"transfer": "b", "at": "p", "value": 0.5, "sd": 0.05}])


def test_two_minima_that_the_data_cannot_tell_apart_are_both_given() -> None:
    """In standard units the data are (10, 10), the rows ask for u v = 24: two mirror images are nearest."""
    answer = reconcile(valley(12.0))
    assert [one.gap for one in answer.optima] == pytest.approx([0.0, 0.0], abs=1e-8)
    found = sorted((one.data / [10.0, 0.05]).tolist() for one in answer.optima)
    assert found[0] == pytest.approx(found[1][::-1], rel=1e-6)
    assert np.prod(found[0]) == pytest.approx(24.0, rel=1e-9)
    assert sum(found[0]) == pytest.approx(10.0, rel=1e-6)
    assert any("another minimum lies" in note for note in answer.notes)


def test_a_problem_with_one_minimum_gives_one() -> None:
    answer = reconcile(valley(48.0))
    assert [one.starts for one in answer.optima] == [12]


def test_draws_honour_a_range_that_normal_theory_leaves() -> None:
    facts = [{"given": "b", "amount": 100.0, "low": 98.0, "high": 104.0, "distribution": "uniform"}]
    system = system_of([("a", "market", "p", 106.0, 4.0), ("b", "p", "market", NAN, NAN)], facts)
    row = reconcile(system, sample=1500).values.set_index("id").loc["b"]
    grid = np.linspace(98.0, 104.0, 6001)
    weight = np.exp(-0.5 * ((grid - 106.0) / 4.0) ** 2)
    share = np.cumsum(weight) / weight.sum()
    for name, level in (("low", 0.025), ("median", 0.5), ("high", 0.975)):
        assert row[f"{name}_sampled"] == pytest.approx(grid[np.searchsorted(share, level)], abs=0.3)
    assert row["low_sampled"] >= 98.0 - 1e-6 and row["high_sampled"] <= 104.0 + 1e-6


@pytest.mark.parametrize("shape", ["triangular", "pert", "lognormal"])
def test_draws_follow_each_skewed_distribution(shape: str) -> None:
    facts = [{"given": "a", "amount": 100.0, "low": 90.0, "high": 150.0, "distribution": shape}]
    system = system_of([("a", "market", "p", NAN, NAN), ("b", "p", "market", NAN, NAN)], facts)
    row = reconcile(system, sample=3000).values.set_index("id").loc["b"]
    random = np.random.default_rng(0)
    sd = float(np.sqrt(np.log1p((uncertain_data(system, False)["sd"].iloc[0] / 100.0) ** 2)))
    drawn = {
        "triangular": random.triangular(90, 100, 150, 100_000),
        "pert": 90 + 60 * random.beta(1 + 4 / 6, 1 + 20 / 6, 100_000),
        "lognormal": random.lognormal(np.log(100.0) - sd**2 / 2, sd, 100_000),
    }[shape]
    low, median, high = np.quantile(drawn, [0.025, 0.5, 0.975])
    assert row["median_sampled"] == pytest.approx(median, rel=0.02)
    assert row["low_sampled"] == pytest.approx(low, rel=0.02)
    assert row["high_sampled"] == pytest.approx(high, rel=0.03)


def test_draws_keep_a_flow_that_is_held_at_zero_positive() -> None:
    flows: list[Flow] = [
        ("a", "market", "p", 10.0, 1.0),
        ("b", "p", "market", 11.0, 1.0),
        ("c", "p", "landfill", NAN, NAN),
    ]
    row = reconcile(system_of(flows), sample=1500).values.set_index("id").loc["c"]
    assert row["low_sampled"] >= -1e-9
    assert 0.2 < row["median_sampled"] < 1.2


def recipe_system(closing: bool) -> System:
    """One tonne of feed makes 0.8 ± t of product and 0.2 t of dust; the product was weighed."""
    rows = [("r", "in", "feed", 1.0, "reference", NAN, NAN), ("r", "out", "product", 0.8, "", 0.7, 0.9)]
    rows.append(("r", "out", "dust", NAN if closing else 0.2, "closing" if closing else "", NAN, NAN))
    recipes = pd.DataFrame(rows, columns=["recipe", "direction", "good", "amount", "role", "low", "high"])
    return fs.assemble(
        fs.from_tables(
            goods=pd.DataFrame({"id": ["feed", "product", "dust"]}),
            recipes=recipes,
            processes=pd.DataFrame({"id": ["p"], "recipe": "r", "activity": 100.0}),
            flows=pd.DataFrame({"id": ["sale"], "good": "product", "from": "p", "to": "market"}),
            facts=pd.DataFrame({"given": ["sale"], "amount": 85.0, "sd": 2.0}),
        )
    )


def test_the_range_of_a_recipe_line_is_reconciled_and_the_closing_line_takes_the_rest() -> None:
    answer = reconcile(recipe_system(closing=True))
    line = datum(answer, "recipe:product@p")
    assert line["sd_before"] == pytest.approx(0.2 / 12**0.5)
    weights = np.array([1 / 2.0**2, 12 / 20.0**2])
    assert after(answer)["sale"] == pytest.approx((weights @ [85.0, 80.0]) / weights.sum(), rel=1e-9)
    assert line["after"] == pytest.approx(after(answer)["sale"] / 100, rel=1e-9)
    flows = answer.result.flows[answer.result.flows["layer"] == "mass"].set_index("good")["value"]
    assert flows["feed"] == pytest.approx(flows["product"] + flows["dust"], rel=1e-12)


def test_a_recipe_without_a_closing_line_keeps_its_lines_exact_and_says_so() -> None:
    answer = reconcile(recipe_system(closing=False))
    assert answer.data["id"].tolist() == ["sale"]
    assert after(answer)["sale"] == pytest.approx(80.0, rel=1e-9)
    assert "1 recipe lines stay exact: their recipe has no closing line to take the rest." in answer.notes


def steel(seed: int = 0) -> System:
    """Japan's steel cycle with 5 % of noise on every flow, stated as 5 %."""
    scenario = fs.read(ROOT / "scenarios" / "japan_steel_2019.yaml")
    random = np.random.default_rng(seed)
    flows = scenario.tables["flows"]
    flows = flows.assign(amount=flows["amount"] * (1 + 0.05 * random.normal(size=len(flows))), cv=0.05)
    return fs.assemble(replace(scenario, tables={**scenario.tables, "flows": flows}))


def test_a_ratio_is_surer_than_if_its_flows_were_independent() -> None:
    answer = reconcile(steel())
    name = "general.solid_waste_landfilled"
    row = uncertain_indicators(answer, name).iloc[0]
    weights = indicator_weights(answer, name)
    assert row["method"] == "first order"
    assert row["value"] == pytest.approx(weights @ np.nan_to_num(answer.result.x), rel=1e-9)
    assert row["sd"] ** 2 == pytest.approx(
        (weights @ answer.covariance(np.eye(len(weights))) @ weights), rel=1e-6
    )


def test_an_indicator_that_bends_is_sampled() -> None:
    answer = reconcile(steel())
    row = uncertain_indicators(answer, "network.fci").iloc[0]
    assert row["method"] == "sampled"
    assert 0.001 < row["sd"] < 0.02
    assert row["low"] < row["value"] < row["high"]


def test_an_indicator_that_is_missing_keeps_its_reason() -> None:
    row = uncertain_indicators(reconcile(steel()), "cn.energy_intensity").iloc[0]
    assert np.isnan(row["sd"]) and "no price" in row["reason"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_tables_say_what_was_found(lang: str) -> None:
    answer = seven()
    text = print_grids(reconcile_grids(answer, lang), width=200)
    assert "302 ± 23" in text and "transfer:f4@p2" in text and "0 … 152.4" in text
    assert CLASSES["unobservable"][lang == "zh"] in text
    assert "0.862" in verdict(answer, lang)
    assert "f7" in print_grids([next_grid(next_measurements(answer, "f6"), "f6", lang)], width=200)


def test_a_number_is_written_to_the_place_of_its_uncertainty() -> None:
    assert plus_minus(302.416, 22.6) == "302 ± 23"
    assert plus_minus(0.49597, 0.03768) == "0.496 ± 0.038"
    assert plus_minus(123456.0, 2345.0) == "123,500 ± 2,300"
    assert plus_minus(5.0, 0.0) == "5.00000"
    assert plus_minus(NAN, NAN) == "–"


# ---- what comes with it ----


def test_the_answer_is_plain_json_and_pickles() -> None:
    answer = seven()
    plain = json.loads(json.dumps(answer.as_json(), allow_nan=False))
    assert plain["kind"] == "reconciliation"
    assert plain["test"]["dof"] == 2
    again = pickle.loads(pickle.dumps(answer))
    assert again.covariance(np.eye(7)[:, :1])[0, 0] == pytest.approx(7.882792412**2, rel=1e-9)


def test_a_saved_result_keeps_its_uncertainties(tmp_path: Path) -> None:
    result = seven().result
    fs.save(result, tmp_path / "result.flowsim")
    pd.testing.assert_frame_equal(fs.load(tmp_path / "result.flowsim").flows, result.flows)


def test_the_covariance_of_a_sum_knows_that_flows_move_together() -> None:
    answer = seven()
    difference = answer.covariance(np.array([-1.0, 0, 0, 0, 1, 0, 0]))
    assert difference[0, 0] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(answer.covariance(np.array([0.0, 0, 0, 0, 0, 1, 0]))).all()


def test_the_diagonal_of_a_large_inverse_is_that_of_the_dense_one() -> None:
    random = np.random.default_rng(0)
    half = random_array((300, 300), density=0.01, rng=random)
    matrix = csc_array(half + half.T + diags_array(np.where(np.arange(300) % 2, 5.0, -5.0)))
    found = Quasidefinite(matrix, least_fill(matrix)).inverse_diagonal()
    assert found == pytest.approx(np.diag(np.linalg.inv(matrix.toarray())), rel=1e-9)


def test_large_and_small_problems_are_answered_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    system, _ = network(np.random.default_rng(3), bent=True)
    small = reconcile(system, starts=1)
    monkeypatch.setattr("flowsim.studies.problem.SMALL", 0)
    monkeypatch.setattr("flowsim.studies.factor.MOST_SOLVED", 0)
    large = reconcile(system, starts=1)
    assert large.values["class"].tolist() == small.values["class"].tolist()
    assert large.test["objective"] == pytest.approx(small.test["objective"], rel=1e-9)
    for table, column in (("values", "value"), ("values", "sd"), ("data", "sd_after"), ("data", "test")):
        found, expected = getattr(large, table)[column], getattr(small, table)[column]
        assert found.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-5, nan_ok=True)
