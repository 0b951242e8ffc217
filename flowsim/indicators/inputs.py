"""What a user gives beside a scenario: figures that no flow carries, and which set of a factor holds."""

from __future__ import annotations

from collections.abc import Sequence

from flowsim.errors import InputError, Problem
from flowsim.result import Result
from flowsim.tables import nearest

INPUTS = {
    "construction_land": ("ha", "construction land", "建设用地面积"),
    "industrial_land": ("ha", "industrial land", "工业用地面积"),
    "employees": ("head", "employees", "职工人数"),
    "population": ("head", "inhabitants", "常住人口"),
    "renewable_power_added": ("GJ/a", "renewable power used in excess of 2020", "新增可再生能源电力消费量"),
    "renewable_share_of_power": ("%", "renewable share of the power bought", "外购电力中可再生能源比例"),
    "nonfossil_share_of_power": ("%", "non-fossil share of the power bought", "外购电力中非化石能源比例"),
    "recoverable_heat": ("GJ/a", "waste heat that could be recovered", "可回收余热资源量"),
    "k_incineration": ("%", "resource factor of incineration", "焚烧资源转化系数"),
    "k_kitchen": ("%", "resource factor of kitchen waste treatment", "厨余处理资源转化系数"),
    "lifetime_ratio": (
        "",
        "lifetime of the products over that of their branch",
        "产品寿命与行业平均寿命之比",
    ),
    "collected_for_recycling": ("%", "share of the products collected for recycling", "产品回收再生比例"),
    "collected_for_reuse": ("%", "share of the products collected for reuse", "产品回收再使用比例"),
    "feed_recycling_efficiency": ("%", "efficiency of the recycling behind the feed", "再生原料的回收效率"),
    "recycling_efficiency": ("%", "efficiency of recycling at the end of life", "报废后的回收效率"),
}
"""What some indicators need and no flow carries: unit, English and Chinese name. Shares are in percent."""

SINCE_BASE = ("renewable_power_added",)
"""Inputs that count from the base year on: there is none of them in the base itself."""


def factor_sets(result: Result, chosen: Sequence[str]) -> dict[str, str]:
    """Sets of factors from texts: ``factor=set``, or a set alone for every factor that has it.

    Raises
    ------
    InputError : no factor has that set
    """
    table = result.system.factors
    made: dict[str, str] = {}
    for text in chosen:
        factor, equals, name = text.rpartition("=")
        having = [factor] if equals else list(table.loc[table["set"] == name, "factor"].drop_duplicates())
        if not having:
            found = sorted(set(table["set"]) - {""})
            hint = nearest(name, found) or f"Sets: {', '.join(found) or 'none'}."
            raise InputError(Problem(f"no factor has a set `{name}`.", hint=hint))
        made |= dict.fromkeys(having, name)
    return made
