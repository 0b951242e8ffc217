"""Network indicators: published networks to the printed digits, large ones against dense algebra."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from parks import balanced, reason, value
from scipy.sparse import coo_array, csr_array, diags_array, eye_array

from flowsim.errors import InputError
from flowsim.indicators import Account, ecology, evaluate, inverse, known
from flowsim.indicators.ecology import Network, eco_connectance, network_of_matrix
from flowsim.indicators.network import of_account

COPROPHAGY = (
    "Shrimp Benthos ShrimpFeces BenthosFeces",
    {
        "Shrimp>ShrimpFeces": 21.9,
        "Benthos>BenthosFeces": 79.6,
        "ShrimpFeces>Benthos": 15.3,
        "BenthosFeces>Benthos": 52.9,
    },
    [124.1, 255.5, 0, 0],
    [0, 0, 0, 0],
    [102.2, 244.1, 6.6, 26.7],
)
"""Marine coprophagy, enaR model data, kcal m-2 yr-1; exactly balanced."""

OYSTER = (
    "FF Mi Me DF P D",
    {
        "FF>P": 0.5135, "FF>D": 15.791, "Mi>Me": 1.206, "Mi>DF": 1.206, "Me>DF": 0.6609, "Me>D": 4.2403,
        "DF>P": 0.1721, "DF>D": 1.9076, "P>D": 0.3262, "D>Mi": 8.1721, "D>Me": 7.2745, "D>DF": 0.6431,
    },
    [41.47, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [25.165, 5.76, 3.5794, 0.4303, 0.3594, 6.1759],
)  # fmt: skip
"""Oyster reef, enaR model data, kcal m-2 d-1; balanced to 0.0005."""

CONE_SPRING = (
    "P D B DF C",
    {
        "P>D": 8881, "D>B": 5205, "D>DF": 2309, "B>D": 1600, "B>DF": 75, "DF>D": 200, "DF>C": 370, "C>D": 167,
    },
    [11184, 635, 0, 0, 0],
    [300, 860, 255, 0, 0],
    [2003, 3109, 3275, 1814, 203],
)  # fmt: skip
"""Cone Spring, NetIndices data, kcal m-2 yr-1."""

GUITANG = """AlcoholPlant>CompoundFertiliser AlkaliRecovery>CalciumCarbonate AlkaliRecovery>Cement
AlkaliRecovery>PulpPaper CalciumCarbonate>Cement CompoundFertiliser>Field ExternalRefineries>AlcoholPlant
ExternalRefineries>Boiler ExternalRefineries>PulpPaper Boiler>Cement Boiler>CompoundFertiliser
PulpPaper>AlkaliRecovery PulpPaper>Boiler PulpPaper>WhiteLiquid SugarMill>Boiler SugarMill>PulpPaper
SugarMill>SugarRefinery SugarRefinery>AlcoholPlant SugarRefinery>CalciumCarbonate SugarRefinery>Cement
Field>SugarMill WhiteLiquid>PulpPaper"""
"""Sugar complex of Guangxi after Zhu, Lowe, Wei and Barnes 2007, from > to."""


def network(names: str, flows: dict[str, float], imports: list, exports: list, losses: list) -> Network:
    """A network from a table `from>to: flow`."""
    nodes = names.split()
    matrix = np.zeros((len(nodes), len(nodes)))
    for pair, flow in flows.items():
        giver, taker = pair.split(">")
        matrix[nodes.index(giver), nodes.index(taker)] = flow
    return network_of_matrix(matrix, *(np.array(side, dtype=float) for side in (imports, exports, losses)))


def links(text: str) -> csr_array:
    """A 0-1 matrix from `from>to` words."""
    pairs = [pair.split(">") for pair in text.split()]
    nodes = sorted({node for pair in pairs for node in pair})
    matrix = np.zeros((len(nodes), len(nodes)))
    for giver, taker in pairs:
        matrix[nodes.index(giver), nodes.index(taker)] = 1
    return csr_array(matrix)


# Published networks (P5, P6)


@pytest.mark.parametrize(
    ("measure", "published"),
    [
        ("boundary", 379.6),
        ("total_throughflow", 549.3),
        ("total_throughput", 928.9),
        ("path_length", 1.44705),
        ("finn_index", 0.1199863),
        ("cycled", 65.90846),
        ("first_passage", 103.7915),
        ("indirect_to_direct", 1.002852),
    ],
)
def test_marine_coprophagy_gives_the_published_figures(measure: str, published: float) -> None:
    assert getattr(network(*COPROPHAGY), measure) == pytest.approx(published, rel=5e-7)


@pytest.mark.parametrize(
    ("measure", "published"),
    [
        ("total_throughflow", 83.5833),
        ("total_throughput", 125.0533),
        ("path_length", 2.015512),
        ("finn_index", 0.1101686),
        ("cycled", 9.208256),
        ("entropy", 3.018275),
        ("mutual_information", 1.330211),
        ("capacity", 377.4452),
        ("ascendency", 166.3473),
        ("overhead", 211.0979),
        ("relative_ascendency", 0.4407191),
        ("robustness", 0.3611021),
        ("effective_link_density", 1.79506),
        ("effective_depth", 2.514395),
        ("cyclicity", 2.147899),
        ("links", 12),
        ("link_density", 2),
        ("connectance", 12 / 30),
    ],
)
def test_the_oyster_reef_gives_the_published_figures(measure: str, published: float) -> None:
    assert getattr(network(*OYSTER), measure) == pytest.approx(published, rel=1e-6)


@pytest.mark.parametrize(
    ("measure", "known_value"),
    [
        ("finn_index", 0.0919390),
        ("cycled", 2815.7235),
        ("total_throughflow", 30626),
        ("mutual_information", 1.3364468),
        ("ascendency", 56725.49),
        ("capacity", 135864.73),
        ("relative_ascendency", 0.4175144),
        ("robustness", 0.3646722),
        ("cyclicity", 1.8393),
        ("indirect_to_direct", 1.023016),
    ],
)
def test_cone_spring_gives_the_known_figures(measure: str, known_value: float) -> None:
    assert getattr(network(*CONE_SPRING), measure) == pytest.approx(known_value, rel=2e-5)


def test_fitness_is_greatest_where_its_source_says() -> None:
    order = network(*CONE_SPRING).relative_ascendency
    assert network(*CONE_SPRING).fitness == pytest.approx(-np.e * order**1.288 * np.log(order**1.288))
    assert 0.99 < network(*OYSTER).fitness < 1


def test_cone_spring_cycles_the_known_amounts_at_each_node() -> None:
    found = network(*CONE_SPRING)
    assert found.throughflow * found.returns == pytest.approx([0, 1967, 753.8136, 88.5286, 6.3813], abs=1e-4)


@pytest.mark.parametrize(
    ("matrix", "bits"),
    [
        (np.full((4, 4), 6.0), 0),
        (np.kron([[0, 1], [1, 0]], np.full((2, 2), 12.0)), 1),
        (24 * np.roll(np.eye(4), 1, 1), 2),
    ],
)
def test_information_of_four_nodes_with_96_units(matrix: np.ndarray, bits: float) -> None:
    nothing = np.zeros(4)
    assert network_of_matrix(matrix, nothing, nothing, nothing).mutual_information == pytest.approx(
        bits, abs=1e-12
    )


def test_guitang_has_the_known_structure() -> None:
    matrix, nothing = links(GUITANG), np.zeros(12)
    found = network_of_matrix(matrix, nothing, nothing, nothing)
    assert (matrix.shape[0], found.links) == (12, 22)
    assert eco_connectance(matrix) == pytest.approx(20 * 2 / (12 * 11)) == pytest.approx(0.3030, abs=5e-5)
    assert found.cyclicity == pytest.approx(1.5437, abs=5e-5)


@pytest.mark.parametrize(
    ("firms", "pairs", "known_value"),
    [
        (20, 26, 0.1368),
        (12, 18, 0.2727),
        (12, 13, 0.1970),
        (29, 77, 0.1897),
        (12, 25, 0.3788),
        (14, 15, 0.1648),
        (37, 38, 0.0571),
    ],
)
def test_eco_connectance_of_known_parks(firms: int, pairs: int, known_value: float) -> None:
    row, column = (at[:pairs] for at in np.triu_indices(firms, 1))
    both = csr_array((np.ones(2 * pairs), (np.r_[row, column], np.r_[column, row])), shape=(firms, firms))
    assert eco_connectance(both) == pytest.approx(known_value, abs=5e-5)


# Edges


def test_a_loop_without_an_outlet_is_told_by_its_nodes() -> None:
    closed = network("a b c", {"b>c": 10, "c>b": 10}, [5, 0, 0], [5, 0, 0], [0, 0, 0])
    with pytest.raises(InputError, match="nodes 1, 2 form a loop without an outlet"):
        _ = closed.finn_index


def test_a_chain_does_not_cycle_and_a_node_without_throughflow_does_no_harm() -> None:
    chain = network("a b c", {"a>b": 5}, [5, 0, 0], [0, 5, 0], [0, 0, 0])
    assert chain.finn_index == 0 and chain.cyclicity == 0
    ring = network("a b", {"a>b": 1, "b>a": 1}, [1, 0], [0, 1], [0, 0])
    assert ring.cyclicity == 1 and ring.symmetry == 1


def test_one_firm_has_no_eco_connectance_and_one_flow_no_order() -> None:
    assert np.isnan(eco_connectance(csr_array((1, 1))))
    lone = network("a", {}, [0], [5], [0])
    assert np.isnan(lone.relative_ascendency) and np.isnan(lone.connectance)


@pytest.mark.parametrize(
    ("matrix", "side", "message"),
    [
        (np.zeros((2, 3)), np.zeros(2), "a network of 2 nodes needs a square matrix"),
        (np.zeros((2, 2)), np.zeros(3), "a network of 2 nodes needs a square matrix"),
        (-np.eye(2), np.zeros(2), "no negative or missing flows"),
        (np.eye(2), np.full(2, np.nan), "no negative or missing flows"),
    ],
)
def test_a_matrix_that_is_no_network_is_told(matrix: np.ndarray, side: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        network_of_matrix(matrix, side, side, side)


# Large networks


def random_shares(nodes: int, links_each: int, seed: int = 0) -> csr_array:
    """I − G of a random network with hubs and neighbours, each node losing something."""
    rng = np.random.default_rng(seed)
    count = nodes * links_each
    giver = rng.integers(0, nodes, count)
    near = (giver + rng.integers(-20, 40, count)) % nodes
    taker = np.where(rng.random(count) < 0.3, rng.integers(0, 20, count), near)
    flows = coo_array((rng.random(count), (giver, taker)), shape=(nodes, nodes)).tocsr()
    return csr_array(eye_array(nodes) - diags_array(1 / (flows.sum(axis=1) + 0.5)) @ flows)


def test_the_selected_inverse_agrees_with_the_dense_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverse, "DENSE", 3)
    monkeypatch.setattr(inverse, "FILLED", 2.0)
    monkeypatch.setattr(inverse, "BAND", 0)
    for seed in range(3):
        matrix = random_shares(150, 2, seed)
        exact = np.diag(np.linalg.inv(matrix.toarray()))
        assert inverse.inverse_diagonal(matrix) == pytest.approx(exact, rel=1e-12)


def test_the_inverse_along_a_band_agrees_with_the_dense_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverse, "DENSE", 3)
    rng = np.random.default_rng(1)
    giver = rng.integers(0, 300, 900)
    taker = (giver + rng.integers(-4, 6, 900)) % 300
    flows = coo_array((rng.random(900), (giver, taker)), shape=(300, 300)).tocsr()
    matrix = csr_array(eye_array(300) - diags_array(1 / (flows.sum(axis=1) + 0.5)) @ flows)
    exact = np.diag(np.linalg.inv(matrix.toarray()))
    assert inverse.inverse_diagonal(matrix) == pytest.approx(exact, rel=1e-12)


def test_a_matrix_that_is_too_large_and_filled_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverse, "DENSE", 3)
    monkeypatch.setattr(inverse, "LARGEST", 5)
    monkeypatch.setattr(inverse, "BAND", 0)
    with pytest.raises(ValueError, match="10 nodes are too densely linked"):
        inverse.inverse_diagonal(csr_array(10 * np.eye(10) - np.full((10, 10), 0.5)))


def test_ten_thousand_processes_take_a_few_seconds_at_most() -> None:
    start = time.perf_counter()
    matrix = random_shares(10_000, 3)
    assert (inverse.inverse_diagonal(matrix) >= 1).all()
    assert time.perf_counter() - start < 10


def test_a_long_ring_has_the_eigenvalue_of_its_dense_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecology, "DENSE", 10)
    monkeypatch.setattr(ecology, "RESTARTS", 1)
    ring = np.roll(np.eye(200), 1, 1) + np.roll(np.eye(200), 3, 1)
    ring[0, 0] = 1.0
    nothing = np.zeros(200)
    exact = np.linalg.eigvals(ring).real.max()
    assert network_of_matrix(ring, nothing, nothing, nothing).cyclicity == pytest.approx(exact, rel=1e-9)


def test_a_large_loop_has_the_eigenvalue_of_its_dense_matrix() -> None:
    flows = eye_array(700) - random_shares(700, 2)
    nothing = np.zeros(700)
    found = network_of_matrix(abs(flows), nothing, nothing, nothing).cyclicity
    exact = np.linalg.eigvals((flows.toarray() > 0).astype(float)).real.max()
    assert found == pytest.approx(exact, rel=1e-8)


# Results


def park(folder: Path) -> Network:
    """Marine coprophagy as a scenario."""
    goods = {name: "product" for name in ("food", "feces", "lost")}
    flows = [("food", "market", "shrimp", 124.1), ("food", "market", "benthos", 255.5)]
    flows += [("feces", "shrimp", "shrimp_feces", 21.9), ("feces", "benthos", "benthos_feces", 79.6)]
    flows += [("food", "shrimp_feces", "benthos", 15.3), ("food", "benthos_feces", "benthos", 52.9)]
    given = {"shrimp": 102.2, "benthos": 244.1, "shrimp_feces": 6.6, "benthos_feces": 26.7}
    flows += [("lost", name, "air", amount) for name, amount in given.items()]
    processes = dict.fromkeys(given, "{}") | {"shrimp": "{firm: a}", "shrimp_feces": "{firm: a}"}
    return balanced(folder, goods, processes, flows)


def test_a_scenario_gives_the_figures_of_its_network(tmp_path: Path) -> None:
    result = park(tmp_path)
    assert value(result, "network.fci") == pytest.approx(0.1199863, rel=5e-7)
    assert value(result, "network.tst") == pytest.approx(549.3)
    assert value(result, "network.links") == 4
    # firms: a, benthos, benthos_feces; pairs: a - benthos, benthos - benthos_feces
    assert value(result, "network.eco_connectance") == pytest.approx(2 / 3)
    found = evaluate(result, "network.fci")[0]
    assert found.terms is None and found.figure is not None
    assert {item.en: item.value for item in found.figure.items}["imports"] == pytest.approx(379.6)


def test_the_boundary_makes_internal_flows_external(tmp_path: Path) -> None:
    result = park(tmp_path)
    inside = of_account(Account(result, "firm:a"))
    assert inside.boundary == pytest.approx(124.1) and inside.exports.sum() == pytest.approx(15.3)
    assert reason(result, "network.eco_connectance", "firm:a").startswith("needs two firms or more")


def test_a_store_counts_what_it_gains_as_an_export(tmp_path: Path) -> None:
    flows = [("ore", "market", "heap", 10), ("ore", "heap", "mill", 4), ("ore", "mill", "market", 4)]
    result = balanced(tmp_path, {"ore": "mineral"}, {"heap": "{kind: store}", "mill": "{}"}, flows)
    assert of_account(Account(result)).exports.tolist() == [6, 4]


def test_a_closed_loop_in_a_scenario_leaves_cycling_missing(tmp_path: Path) -> None:
    flows = [
        ("ore", "market", "mill", 4),
        ("ore", "mill", "market", 4),
        ("gas", "a", "b", 3),
        ("gas", "b", "a", 3),
    ]
    result = balanced(
        tmp_path, {"ore": "mineral", "gas": "product"}, {"mill": "{}", "a": "{}", "b": "{}"}, flows
    )
    assert "form a loop without an outlet" in reason(result, "network.fci")
    assert value(result, "network.tst") == pytest.approx(4 + 6)


def test_every_network_figure_has_a_value_or_a_reason(tmp_path: Path) -> None:
    for found in evaluate(park(tmp_path), "network"):
        assert np.isfinite(found.value) != bool(found.reason), found.indicator.id
    assert len(known("network")) >= 20


def test_firms_meet_through_a_network(tmp_path: Path) -> None:
    flows = [("fuel", "market", "a", 5), ("fuel", "a", "port__fuel", 5), ("fuel", "port__fuel", "b", 5)]
    flows += [("ore", "market", "a", 5), ("cake", "b", "market", 5)]
    goods = {"fuel": "fuel", "ore": "mineral", "cake": "product"}
    processes = {"a": "{firm: x, site: port}", "b": "{firm: y}"}
    result = balanced(tmp_path, goods, processes, flows[1:], contents="pools: {port: [fuel]}")
    assert value(result, "network.eco_connectance") == 1
    assert value(result, "network.byproduct_connectance") == 0
