"""flowsim: material and energy flows of industrial parks and regions, balanced and compared.

>>> import flowsim as fs
>>> scenario = fs.read("scenarios/nickel_loop.yaml")       # what was said
>>> system = fs.assemble(scenario)                         # labelled sparse rows
>>> result = fs.balance(system)                            # tidy tables, every residual checked
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "read": "flowsim.scenario",
    "from_tables": "flowsim.scenario",
    "assemble": "flowsim.assemble",
    "solve": "flowsim.studies.solve",
    "dispatch": "flowsim.studies.dispatch",
    "balance": "flowsim.studies",
    "optimise": "flowsim.symbiosis.optimise",
    "pareto": "flowsim.symbiosis.pareto",
    "shares": "flowsim.symbiosis.shares",
    "stress": "flowsim.symbiosis.stress",
    "reconcile": "flowsim.studies.reconcile",
    "next_measurements": "flowsim.studies.measure",
    "simulate": "flowsim.studies.simulate",
    "water": "flowsim.studies.pinch",
    "heat": "flowsim.studies.pinch",
    "stock_model": "flowsim.cohorts",
    "Initial": "flowsim.cohorts",
    "Lifetime": "flowsim.lifetimes",
    "indicators": "flowsim.indicators",
    "indicators_by_year": "flowsim.indicators.by_year",
    "compare": "flowsim.compare",
    "trace": "flowsim.trace",
    "match": "flowsim.symbiosis.match",
    "curve": "flowsim.symbiosis.curve",
    "sankey": "flowsim.views.sankey",
    "explore": "flowsim.views.explore",
    "show": "flowsim.views.notebook",
    "report": "flowsim.report",
    "save": "flowsim.result",
    "load": "flowsim.result",
    "example": "flowsim.scenario",
    "FlowsimError": "flowsim.errors",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Load each part when it is first used, so that ``import flowsim`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"flowsim has no `{name}`; it has {', '.join(_HOMES)}.")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


class _Face(ModuleType):
    """This package as a module whose public names never turn into the rooms of the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
