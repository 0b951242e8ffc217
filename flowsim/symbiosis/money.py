"""What a change of a system is worth: gross margin less the cost of what is moved."""

from __future__ import annotations

import numpy as np

from flowsim.indicators.account import Account
from flowsim.result import Result

ROUNDING = 1e-12
"""A gain below this share of the turnover is rounding."""


def gain(base: Result, other: Result, boundary: str = "city") -> tuple[float, tuple[str, ...]]:
    """CNY/a by which the margin less moving costs is higher in ``other``, and what keeps it from being known.

    The margin is that of `general.value_added`: what leaves the boundary less what enters it, at table
    prices. A good without a price matters only if the amount of it that crosses the boundary changes; then
    the gain
    is NaN and the good is named.
    """
    (known, open_goods, size), (after, open_after, _) = _margin(base, boundary), _margin(other, boundary)
    lacking = []
    for good in sorted({*open_goods, *open_after}):
        first, second = open_goods.get(good, 0.0), open_after.get(good, 0.0)
        if abs(second - first) > 1e-9 * max(abs(first), abs(second), 1.0):
            lacking.append(good)
    costs = float(other.moving_costs.sum() - base.moving_costs.sum())
    gained = after - known - costs
    gained = 0.0 if abs(gained) <= ROUNDING * size else gained
    return (float("nan") if lacking else gained), tuple(lacking)


def _margin(result: Result, boundary: str) -> tuple[float, dict[str, float], float]:
    """Margin of the goods with a price, CNY/a, the net outflow of those without, and the turnover."""
    account = Account(result, boundary)
    sign = account.leaves.astype(float) - account.enters
    price, amounts = account.price(), np.nan_to_num(account.amounts)
    without = np.flatnonzero(np.isnan(price) & (sign != 0) & (amounts != 0))
    goods = result.system.flows["good"].to_numpy()
    open_goods: dict[str, float] = {}
    for at in without.tolist():
        open_goods[goods[at]] = open_goods.get(goods[at], 0.0) + float(sign[at] * amounts[at])
    value = np.nan_to_num(price) * sign
    return float(value.sum()), open_goods, float(np.abs(value).sum())
