"""Studies: pure functions from a `System` to a `Result`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from flowsim.result import Result
    from flowsim.system import System

Study = Literal["auto", "solve", "dispatch"]


def balance(system: System, *, study: Study = "auto") -> Result:
    """Solve where the facts fix every flow; let the merit order decide where they leave freedom.

    Raises
    ------
    Undetermined, Contradiction, Infeasible : as `solve` and `dispatch` do
    """
    from flowsim.studies.dispatch import dispatch
    from flowsim.studies.solve import solve
    from flowsim.studies.structure import decompose

    if study == "solve":
        return solve(system)
    rows, columns = system.matrix.shape
    choice = system.flows["contested"].any()
    if study == "dispatch" or (choice and len(decompose(system.matrix).under)):
        return dispatch(system)
    return solve(system)
