"""Indicators of a result at a boundary, each a pure function of an `Account`."""

from __future__ import annotations

from flowsim.indicators import (
    carbon,
    carbon_sources,
    city,
    cn,
    cti,
    energy,
    eu,
    general,
    iso,
    mci,
    metals,
    network,
    park,
    waste,
    water,
    water_balance,
)
from flowsim.indicators.account import Account
from flowsim.indicators.change import change, changes, elasticity
from flowsim.indicators.inputs import INPUTS, factor_sets
from flowsim.indicators.ledger import ledger
from flowsim.indicators.registry import (
    Figure,
    Indicator,
    Item,
    Terms,
    Value,
    evaluate,
    get,
    indicators,
    known,
    sample,
)

__all__ = [
    "INPUTS",
    "Account",
    "Figure",
    "Indicator",
    "Item",
    "Terms",
    "Value",
    "carbon",
    "carbon_sources",
    "change",
    "changes",
    "city",
    "cn",
    "cti",
    "elasticity",
    "energy",
    "eu",
    "evaluate",
    "factor_sets",
    "general",
    "get",
    "indicators",
    "iso",
    "known",
    "ledger",
    "mci",
    "metals",
    "network",
    "park",
    "sample",
    "waste",
    "water",
    "water_balance",
]
