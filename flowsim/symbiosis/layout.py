"""An optimum and a front in the documented JSON layout (docs/json.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flowsim.result import FORMAT, finite
from flowsim.symbiosis.limits import Limit, Range, what_binds
from flowsim.symbiosis.objective import Objective
from flowsim.symbiosis.optimise import Optimum
from flowsim.symbiosis.pareto import Front
from flowsim.symbiosis.shares import Shares


def optimum_json(
    optimum: Optimum,
    limits: Sequence[Limit] = (),
    found: Sequence[Range] = (),
    divided: Shares | None = None,
) -> dict[str, Any]:
    """The objective before and after, every candidate, the limits that bind, what could be exchanged."""
    flows, system = optimum.case.system.flows, optimum.case.system
    links = []
    binds = what_binds(optimum)
    for at, name in enumerate(optimum.case.links):
        row = flows.iloc[int(optimum.case.at[at])]
        limit = float(system.upper[optimum.case.at[at]])
        links.append(
            {
                "id": name,
                "good": row["good"],
                "from": row["from"],
                "to": row["to"],
                "open": bool(optimum.opened[at]),
                "amount": float(optimum.balanced[at]),
                "programme": float(optimum.amounts[at]),
                "limit": finite(limit),
                "bound_by": binds[at] or None,
                "unit": f"{system.goods['unit'].iloc[int(row['good_at'])]}/a",
            }
        )
    return {
        "flowsim_json": FORMAT,
        "kind": "optimum",
        "name": dict(system.about["name"]),
        "variant": optimum.case.scenario.variant,
        "objective": _goal_json(optimum.objective),
        "before": finite(optimum.before),
        "without_new_links": finite(optimum.unlinked),
        "programme": finite(optimum.planned),
        "bound": finite(optimum.bound),
        "after": finite(optimum.after),
        "links": links,
        "left_out": list(optimum.balance.dropped),
        "stated": [{"id": name, **said} for name, said in optimum.balance.stated.items()],
        "limits": [
            {
                "kind": limit.kind,
                "id": limit.name,
                "limit": finite(limit.limit),
                "unit": limit.unit,
                "shadow_price": limit.dual,
                "re_solved": limit.worth,
            }
            for limit in limits
        ],
        "exchangeable": [{"id": item.link, "low": item.low, "high": finite(item.high)} for item in found],
        "firms": [vars(each) | {"net": each.net} for each in divided.benefits] if divided else [],
        "exchanges": [vars(each) | {"losers": list(each.losers)} for each in divided.exchanges]
        if divided
        else [],
        "options": dict(optimum.options),
        "origin": optimum.result.origin,
    }


def front_json(front: Front) -> dict[str, Any]:
    """Both objectives, the base, and each point with the amounts over its links."""
    return {
        "flowsim_json": FORMAT,
        "kind": "front",
        "objectives": [_goal_json(front.first), _goal_json(front.second)],
        "base": list(front.base),
        "points": [
            {
                "values": [point.first, point.second],
                "links": {
                    front.case.links[at]: float(point.amounts[at]) for at in np.flatnonzero(point.opened)
                },
            }
            for point in front.points
        ],
    }


def _goal_json(goal: Objective) -> dict[str, Any]:
    return {
        "id": goal.name,
        "indicator": goal.indicator.id,
        "en": goal.en,
        "zh": goal.zh,
        "unit": goal.unit,
        "better": "less" if goal.sense > 0 else "more",
    }
