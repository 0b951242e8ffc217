"""Laws that hold for every system, on random graphs with loops."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flowsim as fs
from flowsim.errors import Contradiction
from flowsim.result import Result

law = settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
KINDS = ["material", "material", "water"]


@dataclass(frozen=True)
class Graph:
    """Processes that split what enters them; every one loses a part, so that no loop keeps all.

    ``feed`` is what enters each process from the market, ``split`` the share that each sends to each other,
    ``good`` the good of each such flow; a store keeps what it does not send on, the others bury it.
    """

    feed: tuple[float, ...]
    split: dict[tuple[int, int], float]
    good: dict[tuple[int, int], int]
    stores: frozenset[int]

    def tables(self) -> dict[str, pd.DataFrame]:
        """The graph as scenario tables in t and m3 per year."""
        nodes = range(len(self.feed))
        flows = [(f"in_{p}", "g0", "market", f"p{p}", self.feed[p]) for p in nodes]
        flows += [(f"f_{a}_{b}", f"g{self.good[a, b]}", f"p{a}", f"p{b}", np.nan) for a, b in self.split]
        flows += [(f"out_{p}", "g0", f"p{p}", "landfill", np.nan) for p in nodes if p not in self.stores]
        facts = [(f"f_{a}_{b}", f"p{a}", share) for (a, b), share in self.split.items()]
        return {
            "goods": pd.DataFrame({"id": ["g0", "g1", "g2"], "kind": KINDS}),
            "processes": pd.DataFrame(
                {"id": [f"p{p}" for p in nodes], "kind": ["store" if p in self.stores else "" for p in nodes]}
            ),
            "flows": pd.DataFrame(flows, columns=["id", "good", "from", "to", "amount"]),
            "facts": pd.DataFrame(facts, columns=["transfer", "at", "value"]),
        }

    def text(self, unit: str, tonnes: float) -> str:
        """The graph in the scenario language, amounts in a unit of so many tonnes."""
        tables = self.tables()
        goods = [f"  g{at}: {{name: g{at}, kind: {kind}}}" for at, kind in enumerate(KINDS)]
        processes = [f"  {p.id}: {{kind: {p.kind or 'transform'}}}" for p in tables["processes"].itertuples()]
        flows = []
        for name, good, source, target, amount in tables["flows"].itertuples(index=False):
            said = "" if np.isnan(amount) else f", amount: {amount / tonnes!r} {unit}"
            flows.append(f"  - {{id: {name}, good: {good}, from: {source}, to: {target}{said}}}")
        facts = [
            f"  - {{transfer: {f.transfer}, at: {f.at}, value: {f.value!r}}}"
            for f in tables["facts"].itertuples()
        ]
        parts = ["flowsim: 1", "year: 2025", "goods:", *goods, "processes:", *processes, "flows:", *flows]
        return "\n".join([*parts, *(["facts:", *facts] if facts else [])]) + "\n"


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Two to eight processes, any of which may send to any other."""
    count = draw(st.integers(2, 8))
    amount = st.floats(1.0, 1e6)
    feed = tuple(draw(st.lists(amount, min_size=count, max_size=count)))
    pairs = [(a, b) for a in range(count) for b in range(count) if a != b]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3 * count))
    weight = {pair: draw(st.floats(0.01, 1.0)) for pair in sorted(chosen)}
    kept = [draw(st.floats(0.01, 1.0)) for _ in range(count)]
    total = [kept[p] + sum(w for (a, _), w in weight.items() if a == p) for p in range(count)]
    split = {(a, b): w / total[a] for (a, b), w in weight.items()}
    good = {pair: draw(st.integers(0, 2)) for pair in split}
    return Graph(feed, split, good, frozenset(draw(st.sets(st.integers(0, count - 1), max_size=2))))


def solved(tables: dict[str, pd.DataFrame]) -> Result:
    return fs.solve(fs.assemble(fs.from_tables(**tables)))


def amounts(result: Result) -> dict[str, float]:
    """Amount of each flow by its id."""
    return dict(zip(result.system.flows["id"], result.amounts.tolist(), strict=True))


@law
@given(graphs())
def test_balances_close_at_every_process(graph: Graph) -> None:
    result = solved(graph.tables())
    assert result.largest_residual[0] < 1e-12
    assert result.closure()["share"].abs().max() < 1e-12


@law
@given(graphs())
def test_what_enters_the_system_leaves_it_or_stays_in_stock(graph: Graph) -> None:
    result = solved(graph.tables())
    flows = result.flows[result.flows["layer"] == "mass"]
    entered = flows["value"][flows["from"] == "market"].sum()
    left = flows["value"][flows["to"] == "landfill"].sum()
    kept = result.stocks["change"].sum()
    assert left + kept == pytest.approx(entered, rel=1e-12)
    assert entered == pytest.approx(sum(graph.feed), rel=1e-12)


@law
@given(graphs())
def test_a_dense_solve_of_the_throughputs_agrees(graph: Graph) -> None:
    count = len(graph.feed)
    send = np.zeros((count, count))
    for (source, target), share in graph.split.items():
        send[target, source] = share
    through = np.linalg.solve(np.eye(count) - send, np.array(graph.feed))
    found = amounts(solved(graph.tables()))
    for (source, target), share in graph.split.items():
        assert found[f"f_{source}_{target}"] == pytest.approx(share * through[source], rel=1e-9)


@law
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(graph: Graph, random: object) -> None:
    tables = graph.tables()
    shuffled = {
        name: frame.sample(frac=1, random_state=random.randrange(2**32)).reset_index(drop=True)  # type: ignore[attr-defined]
        for name, frame in tables.items()
    }
    assert amounts(solved(shuffled)) == pytest.approx(amounts(solved(tables)), rel=1e-9, abs=1e-9)


@law
@given(graphs(), st.floats(1e-3, 1e3))
def test_scaling_the_drivers_scales_every_flow(graph: Graph, factor: float) -> None:
    scaled = replace(graph, feed=tuple(feed * factor for feed in graph.feed))
    once, again = amounts(solved(graph.tables())), amounts(solved(scaled.tables()))
    assert again == pytest.approx({name: factor * value for name, value in once.items()}, rel=1e-9)


def read_text(text: str) -> Result:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "graph.yaml"
        path.write_text(text, encoding="utf-8")
        return fs.solve(fs.assemble(fs.read(path)))


@law
@given(graphs())
def test_kilograms_and_kilotonnes_give_the_answer_of_the_tables(graph: Graph) -> None:
    wanted = pytest.approx(amounts(solved(graph.tables())), rel=1e-9)
    assert amounts(read_text(graph.text("kg/a", 0.001))) == wanted
    assert amounts(read_text(graph.text("kt/a", 1000.0))) == wanted


@law
@given(graphs())
def test_reading_the_same_twice_gives_the_same_bits(graph: Graph) -> None:
    text = graph.text("t/a", 1.0)
    first, second = read_text(text), read_text(text)
    assert first.x.tobytes() == second.x.tobytes()
    assert first.origin["digest"] == second.origin["digest"]


@law
@given(graphs(), st.integers(0))
def test_a_redundant_fact_that_agrees_changes_nothing_and_is_noted(graph: Graph, pick: int) -> None:
    tables = graph.tables()
    before = amounts(solved(tables))
    said = stated(tables, before, pick, 1.0)
    result = solved(said)
    assert amounts(result) == pytest.approx(before, rel=1e-9)
    assert "1 row repeats what the others already say" in result.notes[0]


@law
@given(graphs(), st.integers(0), st.sampled_from([0.5, 0.99, 1.001, 3.0]))
def test_a_redundant_fact_that_disagrees_is_named(graph: Graph, pick: int, factor: float) -> None:
    tables = graph.tables()
    said = stated(tables, amounts(solved(tables)), pick, factor)
    with pytest.raises(Contradiction, match="cannot all hold; the gap is") as caught:
        solved(said)
    subject = said["facts"]["given"].iloc[-1]
    assert any(p.message.startswith("given") and f": {subject} =" in p.message for p in caught.value.problems)


def stated(
    tables: dict[str, pd.DataFrame], found: dict[str, float], pick: int, factor: float
) -> dict[str, pd.DataFrame]:
    """The tables with one solved flow stated as well, ``factor`` times its value."""
    unknown = [name for name in found if not name.startswith("in_")] or list(found)
    subject = unknown[pick % len(unknown)]
    fact = pd.DataFrame({"given": [subject], "amount": [found[subject] * factor]})
    facts = pd.concat([tables["facts"], fact], ignore_index=True)
    texts = ["transfer", "at", "given"]
    facts[texts] = facts.reindex(columns=texts).fillna("")
    return {**tables, "facts": facts}


@law
@given(graphs())
def test_where_nothing_is_free_dispatch_agrees_with_solve(graph: Graph) -> None:
    system = fs.assemble(fs.from_tables(**graph.tables()))
    assert amounts(fs.dispatch(system)) == pytest.approx(amounts(fs.solve(system)), rel=1e-9, abs=1e-9)


@dataclass(frozen=True)
class Park:
    """Makers whose waste is buried unless a user takes it in place of the material that it buys."""

    made: tuple[float, ...]
    used: tuple[float, ...]
    links: tuple[tuple[int, int], ...]
    limit: tuple[float, ...]

    def buried(self, opened: int) -> float:
        """Waste that is buried when the first so many links are open."""
        result = fs.dispatch(fs.assemble(fs.from_tables(**self.tables(opened))))
        flows = result.flows
        assert result.largest_residual[0] < 1e-9
        return float(flows["value"][flows["to"] == "landfill"].sum())

    def tables(self, opened: int) -> dict[str, pd.DataFrame]:
        lines = [
            ("making", "in", "ore", 1.5, ""),
            ("making", "out", "metal", 1.0, "reference"),
            ("making", "out", "slag", 0.5, ""),
            ("using", "in", "clay", 1.0, ""),
            ("using", "out", "brick", 1.0, "reference"),
        ]
        rows = [(f"m{m}", "making", made) for m, made in enumerate(self.made)]
        rows += [(f"u{u}", "using", used) for u, used in enumerate(self.used)]
        goods = ["ore", "metal", "slag", "clay", "brick"]
        fate = ["market", "market", "landfill", "market", "market"]
        return {
            "goods": pd.DataFrame({"id": goods, "fate": fate, "origin": "market"}),
            "recipes": pd.DataFrame(lines, columns=["recipe", "direction", "good", "amount", "role"]),
            "substitutes": pd.DataFrame({"good": ["slag"], "replaces": ["clay"], "max_share": [0.4]}),
            "processes": pd.DataFrame(rows, columns=["id", "recipe", "activity"]),
            "links": pd.DataFrame(
                {
                    "good": "slag",
                    "from": [f"m{m}" for m, _ in self.links],
                    "to": [f"u{u}" for _, u in self.links],
                    "limit": self.limit,
                    "open": [at < opened for at in range(len(self.links))],
                }
            ),
        }


@st.composite
def parks(draw: st.DrawFn) -> Park:
    amount = st.floats(10.0, 1000.0)
    made = tuple(draw(st.lists(amount, min_size=1, max_size=4)))
    used = tuple(draw(st.lists(amount, min_size=1, max_size=4)))
    pairs = [(m, u) for m in range(len(made)) for u in range(len(used))]
    links = draw(st.lists(st.sampled_from(pairs), unique=True, min_size=1, max_size=6))
    limit = tuple(draw(st.one_of(st.just(float("nan")), amount)) for _ in links)
    return Park(made, used, tuple(links), limit)


@law
@given(parks())
def test_opening_a_link_never_buries_more(park: Park) -> None:
    buried = [park.buried(opened) for opened in range(len(park.links) + 1)]
    assert buried[0] == pytest.approx(0.5 * sum(park.made))
    assert (np.diff(buried) <= 1e-7 * buried[0]).all()


@law
@given(parks())
def test_links_carry_no_more_than_there_is_and_than_users_may_take(park: Park) -> None:
    most = min(0.5 * sum(park.made), 0.4 * sum(park.used))
    assert park.buried(len(park.links)) >= 0.5 * sum(park.made) - most - 1e-7 * sum(park.made)
