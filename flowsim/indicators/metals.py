"""Recycling rates of metals (UNEP 2011) from the contents of goods: one set of indicators for each metal.

Letters as in Graedel et al. 2011: d metal in products at their end, e collected, g recycled old scrap,
h recycled new scrap, f used without its function, a primary input. g and h count what recycling gives,
after its losses. Old scrap comes out of use or from outside the boundary, new scrap from production inside.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from flowsim.indicators import waste
from flowsim.indicators.account import Account, Missing
from flowsim.indicators.passing import PASSES, PASSING
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


def _plants(account: Account) -> np.ndarray:
    """Processes inside that collect and recover."""
    return waste.ends_at(account, waste.RECOVERING) & account.inside


def _recovered(account: Account) -> np.ndarray:
    """Flows of goods, no scrap and no emissions, that recovery gives to others."""
    plants = _plants(account)
    goods = account.of_kind("material") & ~_scrap(account) & ~account.of_class("emission")
    return goods & account.leaving(plants) & ~account.entering(plants)


def _old_share(account: Account, amount: np.ndarray) -> np.ndarray:
    """Share of each flow of scrap or recovered metal that stems from old scrap.

    What leaves use or is brought in is old, what production leaves behind is new; whoever collects, recovers
    or hands on gives both in the proportion in which it takes them.
    """
    from scipy.sparse import csr_array

    flows, count = account.result.system.flows, len(account.inside)
    old = 1.0 * (account.enters | (account.from_kind("use") & account.leaving(account.inside)))
    mixing = waste.ends_at(account, (*waste.RECOVERING, *PASSING)) & account.inside
    counted = account.of_kind("material") & (_scrap(account) | account.leaving(_plants(account)))
    given = np.where(counted & account.entering(mixing), amount, 0.0)
    mixed, giver = account.leaving(mixing) & counted & (old == 0), flows["from_at"].to_numpy()
    at = (np.arange(len(flows)), flows["to_at"].to_numpy())
    into = csr_array((np.ones(len(flows)), at), shape=(len(flows), count))
    total, share = given @ into, np.broadcast_to(old, given.shape)
    for _ in range(PASSES):
        ratio = (given * share) @ into / np.where(total == 0, 1.0, total)
        before, share = share, np.where(mixed, ratio[..., giver], old)
        if np.allclose(share, before, rtol=0, atol=1e-15, equal_nan=True):
            break
    return share


def _second_hand(account: Account, amount: np.ndarray) -> np.ndarray:
    """Metal by flow in the scrap and recovered goods that production inside takes."""
    source = (_scrap(account) & (account.enters | (account.made & account.internal))) | _recovered(account)
    share = account.reaching(waste.ends_at(account, ("transform",)) & account.inside)
    return np.where(source & (share != 0), amount * share, 0.0)


def _of_input(account: Account, amount: np.ndarray, second: np.ndarray, counted: np.ndarray) -> Terms:
    """A part of the second-hand metal over all metal that production takes."""
    primary = account.material_input & ~_scrap(account)
    covered = account.coverage(np.where(primary | (second != 0), account.mass, 0.0))
    total = second + np.where(primary, amount, 0.0)
    return Terms(counted, total, "t/a", "t/a", 100.0, coverage=covered)


def recycled_content(account: Account, name: str) -> Terms:
    """RIR: scrap and recovered metal that production takes, over that and the metal in primary input."""
    amount = metal(account, name)
    second = _second_hand(account, amount)
    return _of_input(account, amount, second, second)


def end_of_life_input_rate(account: Account, name: str) -> Terms:
    """EOL-RIR: the part of the recycled content that stems from old scrap."""
    amount = metal(account, name)
    second = _second_hand(account, amount)
    return _of_input(account, amount, second, second * _old_share(account, amount))


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
    """OSR: recycled old scrap over all recycled scrap: what recovery gives, and what production melts as it
    is.
    """
    amount = metal(account, name)
    recycled = np.where(_recovered(account), amount, _second_hand(account, amount))
    old = recycled * _old_share(account, amount)
    return Terms(old, recycled, "t/a", "t/a", 100.0, coverage=process_efficiency(account, name).coverage)


def lost_function(account: Account, name: str) -> Terms:
    """Metal in slags and other wastes of recycling that are used, over the scrap that it takes and keeps."""
    amount, kept = metal(account, name), process_efficiency(account, name).denominator
    residue = _scrap(account) & ~account.of_class("recyclable") & account.leaving(_plants(account))
    residue &= ~account.entering(_plants(account))
    share = account.reaching(waste.using(account))
    return Terms(np.where(residue & (share != 0), amount * share, 0.0), kept, "t/a", "t/a", 100.0)


def _end_of_life(
    account: Account, name: str, rate: Callable[[Account, str], Terms], en: str, zh: str
) -> Figure:
    """A rate of what leaves use: collection rate times a rate of what recycling takes."""
    sides, rates = (collection_rate(account, name), rate(account, name)), []
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
    items = (("collection rate", "收集率", 100 * rates[0], "%"), (en, zh, 100 * rates[1], "%"))
    return figure(account, items, 100 * rates[0] * rates[1], used)


def end_of_life_rate(account: Account, name: str) -> Figure:
    """EOL-RR: collection rate times process efficiency."""
    return _end_of_life(account, name, process_efficiency, "process efficiency", "再生过程回收率")


def nonfunctional_rate(account: Account, name: str) -> Figure:
    """Collection rate times the share of the scrap that ends in residues which are used.

    UNEP 2011 counts scrap that goes to non-functional recycling by the stream that it is sorted into; here it
    is told by where the metal ends, so the figure is not theirs.
    """
    return _end_of_life(
        account, name, lost_function, "share in residues that are used", "进入被利用残渣的比例"
    )


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
        "recycled old scrap / recycled old and new scrap",
        "旧废料再生量 /（旧废料再生量 + 新废料再生量）",
    ),
    "eol_input_rate": (
        end_of_life_input_rate,
        ("End-of-life recycling input rate of", "报废再生投入率"),
        "metal from old scrap / (scrap and recovered metal used + primary input)",
        "来自旧废料的用量 /（再生金属用量 + 原生投入量）",
    ),
    "eol_nonfunctional_rate": (
        nonfunctional_rate,
        ("Non-functional end-of-life recycling rate of", "报废非功能性再生率"),
        "collection rate × share of the scrap that ends in residues which are used",
        "收集率 × 废料进入被利用残渣的比例",
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
        certainty="own definition" if function is nonfunctional_rate else "from memory, to be confirmed",
        better="more",
        direct=function in (end_of_life_rate, nonfunctional_rate),
    )
    def rate_of_metal(account: Account) -> Terms | Figure:
        """Metal by the contents of goods; goods without contents count as free of it, so mind the coverage.
        Scrap from outside counts as old, that of production inside as new. Where both are recycled
        together, what comes out is shared out by what went in.
        """
        return function(account, name)


for _metal in METALS:
    for _rate in RATES:
        _register(_metal, _rate)
