"""Value added: the one figure of money that flows and prices define."""

from __future__ import annotations

from flowsim.indicators.account import Account
from flowsim.indicators.registry import Terms, indicator


@indicator(
    "general.value_added",
    en="Value added (gross margin)",
    zh="增加值（毛利估算）",
    unit="CNY/a",
    formula="value of goods that leave the boundary − value of goods that enter it, at constant prices",
    formula_zh="离开边界的物料价值 − 进入边界的物料价值（不变价）",
    clause="own definition; prices of the price table and their year",
    certainty="own definition",
    better="more",
)
def value_added(account: Account) -> Terms:
    """An estimate: the gross margin before labour, capital, freight and taxes, without VAT.

    The sign is in the price, so a fee paid for a waste is a cost of its producer and an income of its taker.
    Air, emissions, vapour, waste water and circulating water without a price count as 0.
    """
    return Terms(account.value_added(), None, "CNY/a")
