"""Indicators of a system in each of its years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flowsim.indicators.registry import indicators

if TYPE_CHECKING:
    import pandas as pd

    from flowsim.studies.years import Simulation


def indicators_by_year(
    made: Simulation,
    names: str | Sequence[str] | None = "first",
    boundary: str = "park",
    *,
    inputs: Mapping[str, float] | None = None,
    sets: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The table of `indicators` for each year of a simulation, the year in front.

    Flows are per year also where a step is longer or shorter, and so are the indicators.

    Raises
    ------
    InputError : an unknown indicator, set, boundary, input or set of factors
    """
    import pandas as pd

    parts = [indicators(result, names, boundary, inputs=inputs, sets=sets) for result in made.results]
    for part, year in zip(parts, made.years, strict=True):
        part.insert(0, "year", year)
    return pd.concat(parts, ignore_index=True)
