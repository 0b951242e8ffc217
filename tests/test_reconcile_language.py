"""What a scenario can say of uncertain numbers: every form of it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import flowsim as fs
from flowsim.errors import Contradiction, InputError
from flowsim.studies.reconcile import reconcile

FILE = Path(__file__).parent / "golden" / "disagreeing.yaml"


def said(tmp_path: Path, *changes: tuple[str, str]) -> fs.Scenario:
    """The scenario with some of its text replaced."""
    text = FILE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return fs.read(path)


def test_repeated_correlated_and_disagreeing_data_give_the_weighted_mean() -> None:
    """The rows leave two unknowns, a and d, and one bend, so that a dense search can check all eight data."""
    answer = reconcile(fs.assemble(fs.read(FILE)))
    x = dict(zip(answer.values["id"], answer.values["value"], strict=True))
    relation = np.eye(8)
    for one, other, value in ((0, 1, 0.5), (3, 4, 0.9)):
        relation[one, other] = relation[other, one] = value
    stated = np.array([100, 42, 50, 104, 106, 10, 0.7, 0.5])
    sd = np.array([4, 2.1, 3, 2, 2, 5, 0.05, 0.05])

    def objective(a: float, c: float, d: float) -> float:
        u = (np.array([a, c, d, a, a, a - c - d, (a - c) / a, c / a]) - stated) / sd
        return float(u @ np.linalg.solve(relation, u))

    best = objective(x["a"], x["c"], x["d"])
    assert answer.test["objective"] == pytest.approx(best, rel=1e-9)
    for step in np.eye(3) * 1e-3:
        for sign in (1, -1):
            assert objective(*(np.array([x["a"], x["c"], x["d"]]) + sign * step)) > best
    assert answer.data["id"].tolist() == [
        "a", "c", "d", "a#2", "a#3", "stock_change(depot)", "transfer:b@p", "transfer:c@p",
    ]  # fmt: skip
    assert answer.data["said"].tolist() == [
        "a", "c", "d", "given_a", "given_a_2", "given_depot", "transfer_b_p", "transfer_c_p",
    ]  # fmt: skip


def test_a_datum_may_be_called_as_its_row_is() -> None:
    system = fs.assemble(fs.read(FILE))
    by_row, by_datum = (reconcile(system, without=[name]) for name in ("given_a_2", "a#3"))
    assert by_row.test == by_datum.test


def test_a_spread_of_a_share_is_written_as_the_share_is(tmp_path: Path) -> None:
    plain, percent = (
        reconcile(fs.assemble(said(tmp_path, ("sd: 0.05", text)))) for text in ("sd: 0.05", "sd: 5 %")
    )
    assert plain.test == percent.test
    ranged = said(tmp_path, ("value: 0.7, sd: 0.05", "value: 0.7, low: 0.6, high: 0.8"))
    assert reconcile(fs.assemble(ranged)).data["sd_before"].iloc[6] == pytest.approx(0.2 / 12**0.5)


def test_solve_names_data_that_disagree_and_points_at_reconcile() -> None:
    with pytest.raises(Contradiction, match="`flowsim reconcile` adjusts those"):
        fs.solve(fs.assemble(fs.read(FILE)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sd: 0.05", "sd: 5", "`sd` is over 100 %"),
        ("one: a,", "one: aa,", "`one`: there is no flow, fact or content `aa`. Did you mean `a`"),
        ("one: a,", "one: c,", "it ties a number to itself"),
        ("value: 0.9", "value: 1", "`value` is no coefficient of correlation"),
        ("one: given_a, other: given_a_2", "one: c, other: a", "these two are tied already"),
        ("value: 0.9", "value: 90 %", "is not a plain number"),
        ("amount: 106 t/a, sd: 2 t/a", "amount: 106 t/a", "two rows are both called `given_a`"),
    ],
)
def test_what_cannot_be_is_refused_in_one_message(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        said(tmp_path, (old, new))
    assert len(caught.value.problems) == 1
    assert message in str(caught.value)


def test_a_correlation_with_an_exact_number_is_left_out_and_said_so(tmp_path: Path) -> None:
    answer = reconcile(fs.assemble(said(tmp_path, ("one: a,", "one: b,"))))
    assert any(note.startswith("1 correlations are left out") for note in answer.notes)


def test_correlations_may_come_as_a_csv_file_and_change_in_a_variant(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("one,other,value\na,c,0.5\ngiven_a,given_a_2,0.9\n", encoding="utf-8")
    text = FILE.read_text(encoding="utf-8")
    head = text[: text.index("correlations:")]
    path = tmp_path / "s.yaml"
    variant = "variants:\n  looser: {correlations: {a__c: {value: 0.1}}}\n"
    path.write_text(head + "correlations: c.csv\n" + variant, encoding="utf-8")
    system = fs.assemble(fs.read(path))
    assert reconcile(system).test == reconcile(fs.assemble(fs.read(FILE))).test
    looser = reconcile(fs.assemble(fs.read(path, "looser")))
    assert looser.model.correlation[0, 1] == 0.1
