"""Boundaries: which processes an account is drawn around."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flowsim.errors import InputError, Problem
from flowsim.tables import nearest

if TYPE_CHECKING:
    import pandas as pd

WHOLE = ("park", "city")
"""The park, and the city that it lies in: all that a scenario draws. They differ only where a process is said
to stand outside the park (`area`)."""

TAGS = ("firm", "site", "chain", "process")
"""What else a boundary can be drawn by."""

OF_PARK = ("park", "industry")
"""How the scope of a target begins that is meant for the industry of the park; every other means the city."""


def members(processes: pd.DataFrame, boundary: str) -> np.ndarray:
    """Processes within a boundary, shape (processes,).

    Raises
    ------
    InputError : a boundary that is not known, or that no process lies in
    """
    within = ~processes["outside"].to_numpy(dtype=bool)
    if boundary == "city":
        return within
    if boundary == "park":
        return within & (processes["area"] != "city").to_numpy()
    tag, _, name = boundary.partition(":")
    if tag not in TAGS or not name:
        forms = ", ".join(f"{known}:ID" for known in TAGS)
        hint = nearest(tag, [*WHOLE, *TAGS]) or f"Boundaries are {', '.join(WHOLE)}, {forms}."
        raise InputError(Problem(f"there is no boundary `{boundary}`.", hint=hint))
    names = processes["id" if tag == "process" else tag].to_numpy(dtype=object)
    if name not in names[within]:
        known = sorted({str(found) for found in names[within]} - {""})
        listed = f"Known: {', '.join(known[:20])}." if known else f"No process has a {tag}."
        hint = nearest(name, known) or listed
        raise InputError(Problem(f"boundary `{boundary}`: there is no {tag} `{name}`.", hint=hint))
    return within & (names == name)


def judged_at(processes: pd.DataFrame, scope: str, boundary: str) -> str:
    """The boundary at which a target is judged: its own scope, unless an account of a part is asked for, or
    the scenario tells no city from the park."""
    if boundary not in WHOLE or not (processes["area"] == "city").any():
        return boundary
    return "park" if scope.startswith(OF_PARK) else "city"
