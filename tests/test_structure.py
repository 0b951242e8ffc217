"""What rows determine: the decomposition by pattern, against dense ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array

from flowsim.studies.structure import DENSE, decompose, independent_rows, null_columns


def pattern(*rows: str) -> csr_array:
    """A matrix from rows of ``x`` and ``.``, with random numbers, so that its rank is that of the pattern."""
    entries = np.array([[mark == "x" for mark in row] for row in rows])
    return csr_array(np.where(entries, np.random.default_rng(0).uniform(1, 2, entries.shape), 0.0))


def test_a_square_triangle_is_determined_whole() -> None:
    structure = decompose(pattern("x..", "xx.", ".xx"))
    assert structure.under.tolist() == []
    assert structure.over.tolist() == []
    assert sorted(structure.row_of) == [0, 1, 2]


def test_columns_with_too_few_rows_are_under_determined() -> None:
    structure = decompose(pattern("x...", ".xxx", ".xxx"))
    assert structure.under.tolist() == [1, 2, 3]
    assert structure.over.tolist() == []


def test_rows_with_too_few_columns_are_over_determined() -> None:
    structure = decompose(pattern("xx..", "xx..", "xx..", "..x.", ".x.x"))
    assert structure.over.tolist() == [0, 1, 2]
    assert structure.under.tolist() == []


def test_one_part_may_lack_rows_while_another_has_too_many() -> None:
    structure = decompose(pattern("x...", "x...", ".x..", ".xxx"))
    assert structure.over.tolist() == [0, 1]
    assert structure.under.tolist() == [2, 3]


def test_a_column_that_no_row_names_is_under_determined() -> None:
    assert decompose(pattern("x.", "x.")).under.tolist() == [1]


def test_no_rows_leave_every_column_free() -> None:
    structure = decompose(csr_array((0, 3)))
    assert structure.under.tolist() == [0, 1, 2]


@st.composite
def patterns(draw: st.DrawFn) -> np.ndarray:
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    marks = draw(st.lists(st.sampled_from([0, 0, 1]), min_size=rows * columns, max_size=rows * columns))
    numbers = np.random.default_rng(7).uniform(1, 2, (rows, columns))
    return np.array(marks).reshape(rows, columns) * numbers


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(patterns())
def test_the_free_columns_are_those_of_the_null_space(dense: np.ndarray) -> None:
    structure = decompose(csr_array(dense))
    free = set(structure.under.tolist())
    rank = np.linalg.matrix_rank(dense)
    for column in range(dense.shape[1]):
        unit = np.eye(dense.shape[1])[[column]]
        fixed = np.linalg.matrix_rank(np.vstack([dense, unit])) == rank
        assert (column in free) == (not fixed)


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(patterns())
def test_the_chosen_rows_are_independent_and_fix_every_other_column(dense: np.ndarray) -> None:
    matrix = csr_array(dense)
    structure = decompose(matrix)
    chosen = independent_rows(matrix, structure)
    fixed = np.setdiff1d(np.arange(dense.shape[1]), structure.under)
    assert len(chosen) == len(fixed)
    assert np.linalg.matrix_rank(dense[np.ix_(chosen, fixed)]) == len(fixed)


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(patterns())
def test_rows_outside_the_over_determined_part_are_all_needed(dense: np.ndarray) -> None:
    over = set(decompose(csr_array(dense)).over.tolist())
    rank = np.linalg.matrix_rank(dense)
    for row in range(dense.shape[0]):
        idle = np.linalg.matrix_rank(np.delete(dense, row, axis=0)) == rank
        assert (row in over) == idle


def test_rows_that_repeat_each_other_only_in_numbers_are_left_out() -> None:
    matrix = csr_array(np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 0.0]]))
    chosen = independent_rows(matrix, decompose(matrix))
    assert np.linalg.matrix_rank(matrix.toarray()[chosen]) == 2


@pytest.mark.parametrize("light", [0, 1, 2])
def test_the_row_of_least_weight_is_left_out(light: int) -> None:
    matrix = csr_array(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    weight = np.where(np.arange(3) == light, 0.01, 1.0)
    assert light not in independent_rows(matrix, decompose(matrix), weight)


def test_a_block_too_large_for_a_dense_rank_uses_the_matched_rows() -> None:
    count = int(DENSE**0.5) + 1
    matrix = csr_array(np.vstack([np.eye(count), np.eye(count)[:1] * 0 + 1]))
    assert len(independent_rows(matrix, decompose(matrix))) == count


def test_null_columns_are_those_of_the_singular_block() -> None:
    matrix = np.diag([1.0, 1.0, 1.0, 2.0])
    matrix[1, 2], matrix[2, 1] = -1.0, -1.0
    assert null_columns(csc_array(matrix)).tolist() == [1, 2]


def test_a_regular_matrix_has_no_null_columns() -> None:
    assert null_columns(csc_array(np.array([[2.0, 1.0], [1.0, 2.0]]))).tolist() == []


def test_a_structurally_singular_matrix_names_its_free_columns() -> None:
    assert null_columns(csc_array(np.array([[1.0, 0.0], [1.0, 0.0]]))).tolist() == [1]


def test_independent_rows_of_a_sparse_block_are_as_many_as_its_rank() -> None:
    random = np.random.default_rng(3)
    for _ in range(200):
        rows, columns = random.integers(3, 14), random.integers(2, 9)
        dense = random.integers(-2, 3, (rows, columns)) * (random.random((rows, columns)) < 0.3)
        matrix = csr_array(dense.astype(float))
        structure = replace(decompose(matrix), over=np.arange(rows))
        weight = np.where(random.random(rows) < 0.5, 0.01, 1.0)
        used = independent_rows(matrix, structure, weight)
        heavy = weight == 1.0
        rank = np.linalg.matrix_rank
        assert rank(dense[used]) == len(used) == rank(dense)
        assert heavy[used].sum() == rank(dense[heavy])


def test_where_nothing_is_left_to_solve_for_no_row_is_chosen() -> None:
    """Bounds may hold every value: rows remain, columns do not."""
    nothing = csr_array((3, 0))
    assert len(independent_rows(nothing, decompose(nothing))) == 0
