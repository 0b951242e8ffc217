"""Recycling rates of metals (UNEP 2011) from the contents of goods: one set of indicators for each metal.

Old scrap comes out of use or from outside the boundary, new scrap from production inside.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from flowsim.indicators import waste
from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Figure, Terms, figure, indicator

METALS = {
    "Fe": ("iron", "铁"),
    "Cu": ("copper", "铜"),
    "Al": ("aluminium", "铝"),
    "Ni": ("nickel", "镍"),
    "Co": ("cobalt", "钴"),
    "Li": ("lithium", "锂"),
    "Mn": ("manganese", "锰"),
}
CLAUSE = "UNEP 2011, Recycling Rates of Metals"


def metal(account: Account, name: str) -> np.ndarray:
    """t/a of a metal in each flow; raises `Missing` if no good holds it."""
    if name not in (*account.result.system.substances, *account.result.system.layers):
        raise Missing(f"no content of {METALS[name][0]} is known", f"没有{METALS[name][1]}含量数据")
    return account.layer(name)


def _scrap(account: Account) -> np.ndarray:
    return account.of_kind("material") & account.of_class(*waste.WASTES)


def _old(account: Account) -> np.ndarray:
    """Flows of scrap that come out of use, from collection and dismantling, or from outside."""
    return _scrap(account) & (account.enters | account.from_kind("use", "collect"))


def _plants(account: Account) -> np.ndarray:
    """Processes inside that collect and recover."""
    return waste.ends_at(account, waste.RECOVERING) & account.inside


def _recovered(account: Account) -> np.ndarray:
    """Flows of goods, no scrap and no emissions, that recovery gives to others."""
    plants = _plants(account)
    goods = account.of_kind("material") & ~_scrap(account) & ~account.of_class("emission")
    return goods & account.leaving(plants) & ~account.entering(plants)


def recycled_content(account: Account, name: str) -> Terms:
    """RIR: scrap and recovered metal that production takes, over that and the metal in primary input."""
    amount, primary = metal(account, name), account.material_input & ~_scrap(account)
    source = (_scrap(account) & (account.enters | (account.made & account.internal))) | _recovered(account)
    share = account.reaching(waste.ends_at(account, ("transform",)) & account.inside)
    second = np.where(source & (share != 0), amount * share, 0.0)
    counted = np.where(primary | (second != 0), account.mass, 0.0)
    total = second + np.where(primary, amount, 0.0)
    return Terms(second, total, "t/a", "t/a", 100.0, coverage=account.coverage(counted))


def collection_rate(account: Account, name: str) -> Terms:
    """CR: metal in end-of-life products that is collected, over all that leaves use inside."""
    out_of_use = account.from_kind("use") & account.leaving(account.inside) & _scrap(account)
    amount = np.where(out_of_use, metal(account, name), 0.0)
    share = account.reaching(waste.ends_at(account, (*waste.RECOVERING, "transform")))
    return Terms(np.where(amount != 0, amount * share, 0.0), amount, "t/a", "t/a", 100.0)


def process_efficiency(account: Account, name: str) -> Terms:
    """RPER: metal in what recycling gives as goods, over the metal in the scrap that it takes and keeps.

    Scrap that is only sorted out and handed on to others is in neither.
    """
    amount, plants, gives = metal(account, name), _plants(account), _recovered(account)
    takes = _scrap(account) & account.entering(plants) & ~account.leaving(plants)
    passes = account.of_class("recyclable") & account.leaving(plants) & ~account.entering(plants)
    kept = np.where(takes, amount, 0.0) - np.where(passes, amount, 0.0)
    covered = account.coverage(np.where(takes | gives, account.mass, 0.0))
    return Terms(np.where(gives, amount, 0.0), kept, "t/a", "t/a", 100.0, coverage=covered)


def old_scrap_ratio(account: Account, name: str) -> Terms:
    """OSR: metal in old scrap, over that in all scrap, as it is taken up."""
    amount, used = metal(account, name), waste.taken_up(account)
    scrap = np.where(used != 0, amount * used / np.where(account.mass == 0, 1.0, account.mass), 0.0)
    return Terms(np.where(_old(account), scrap, 0.0), scrap, "t/a", "t/a", 100.0)


def end_of_life_rate(account: Account, name: str) -> Figure:
    """EOL-RR: collection rate times process efficiency."""
    sides, rates = (collection_rate(account, name), process_efficiency(account, name)), []
    used = np.zeros(len(account.enters), dtype=bool)
    for side in sides:
        assert side.denominator is not None
        used |= (side.numerator != 0) | (side.denominator != 0)
        total = float(side.denominator.sum())
        if total == 0:
            raise Missing(
                "no product of it leaves use, or no scrap of it is recycled",
                "没有报废产品流出，或没有废料被再生",
            )
        rates.append(float(side.numerator.sum()) / total)
    items = (
        ("collection rate", "收集率", 100 * rates[0], "%"),
        ("process efficiency", "再生过程回收率", 100 * rates[1], "%"),
    )
    return figure(account, items, 100 * rates[0] * rates[1], used)


Rate = Callable[[Account, str], "Terms | Figure"]
RATES: dict[str, tuple[Rate, tuple[str, str], str, str]] = {
    "recycled_content": (
        recycled_content,
        ("Recycled content of", "再生含量"),
        "scrap and recovered metal used / (the same + primary input)",
        "再生金属用量 /（再生金属用量 + 原生投入量）",
    ),
    "eol_collection_rate": (
        collection_rate,
        ("End-of-life collection rate of", "报废收集率"),
        "collected / leaving use",
        "收集量 / 报废量",
    ),
    "eol_process_efficiency": (
        process_efficiency,
        ("Recycling process efficiency of", "再生过程回收率"),
        "in goods that recycling gives / in scrap that it takes and keeps",
        "再生产出量 / 废料净投入量",
    ),
    "eol_recycling_rate": (
        end_of_life_rate,
        ("End-of-life recycling rate of", "报废再生率"),
        "collection rate × process efficiency",
        "收集率 × 再生过程回收率",
    ),
    "old_scrap_ratio": (
        old_scrap_ratio,
        ("Old scrap ratio of", "旧废料比例"),
        "old scrap taken up / scrap taken up",
        "旧废料利用量 / 废料利用量",
    ),
}
"""Rate → its function, English and Chinese name, and formulas in both."""


def _register(name: str, rate: str) -> None:
    """Register one rate of one metal."""
    function, (en, zh), formula, formula_zh = RATES[rate]

    @indicator(
        f"metals.{name.lower()}_{rate}",
        en=f"{en} {METALS[name][0]}",
        zh=f"{METALS[name][1]}的{zh}",
        unit="%",
        formula=formula,
        formula_zh=formula_zh,
        clause=CLAUSE,
        certainty="confirmed",
        better="more",
        direct=function is end_of_life_rate,
    )
    def rate_of_metal(account: Account) -> Terms | Figure:
        """Metal by the contents of goods; goods without contents count as free of it, so mind the coverage.
        Scrap from outside counts as old, that of production inside as new.
        """
        return function(account, name)


for _metal in METALS:
    for _rate in RATES:
        _register(_metal, _rate)
