"""Indicators of a result at a boundary, each a pure function of an `Account`."""

from __future__ import annotations

from flowsim.indicators import cn, eu, general
from flowsim.indicators.account import Account
from flowsim.indicators.registry import Indicator, Terms, Value, evaluate, get, indicators, known

__all__ = [
    "Account",
    "Indicator",
    "Terms",
    "Value",
    "cn",
    "eu",
    "evaluate",
    "general",
    "get",
    "indicators",
    "known",
]
