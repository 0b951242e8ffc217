"""The bar on long work: silent in a pipe, shown on a terminal once work takes long."""

from __future__ import annotations

import io
import sys

import pytest

from flowsim import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_printed_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", pipe := io.StringIO())
    assert list(progress.track([1, 2, 3], "work")) == [1, 2, 3]
    assert pipe.getvalue() == ""


def test_a_terminal_sees_how_far_long_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert list(progress.track(iter("abc"), "years", total=3)) == ["a", "b", "c"]
    assert "years" in terminal.getvalue()


def test_short_work_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert list(progress.track([1], "work")) == [1]
    assert terminal.getvalue() == ""
