"""Network indicators of a result: processes as nodes by mass, firms as nodes for who exchanges with whom."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from flowsim.errors import InputError
from flowsim.indicators import ecology, waste
from flowsim.indicators.account import Account, Missing
from flowsim.indicators.registry import Figure, Terms, figure, indicator

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LOST = ("air", "water", "landfill")
"""Places where what leaves is lost; all else that leaves is exported."""
BALANCED = 0.01
"""Largest difference between what enters and leaves a node, as a share, for cycling and information."""
BY_PRODUCTS = (*waste.WASTES, "by_product", "wastewater", "reclaimed_water", "heat")
"""Classes that make an exchange one of by-products."""

MEMORY = "from memory, to be confirmed"
ENA = "Finn 1976; Ulanowicz 1986; as enaR and NetIndices compute it"
EIP = "Tiejun 2010, Resources, Conservation and Recycling 54"


def _counted(account: Account, layer: str) -> np.ndarray:
    """Flows of the network, without water that only cools: it turns, or runs through, without being
    exchanged.
    """
    return (account.layer(layer) != 0) & ~account.of_class("circulating_water", "sea_water")


@lru_cache(maxsize=1)
def of_account(account: Account, layer: str = "mass") -> ecology.Network:
    """The flows of one layer between the processes inside, and over the boundary, as a network.

    Stores count what they gain as an export and what they lose as an import. Raises `Missing` if a flow is
    undetermined or a node does not balance.
    """
    from scipy.sparse import csr_array

    flows = account.result.system.flows
    counted = _counted(account, layer) & (account.enters | account.leaves | account.internal)
    account.determined(counted)
    amount = np.where(counted, account.layer(layer), 0.0)
    giver, taker = flows["from_at"].to_numpy(), flows["to_at"].to_numpy()
    count = len(account.inside)
    inner, lost = account.internal & counted, account.leaves & account.to_place(*LOST)
    internal = csr_array((amount[inner], (giver[inner], taker[inner])), shape=(count, count))
    imports = np.bincount(taker, amount * account.enters, count)
    exports = np.bincount(giver, amount * (account.leaves & ~lost), count)
    losses = np.bincount(giver, amount * lost, count)
    used = np.flatnonzero(
        account.inside & (np.bincount(taker, amount, count) + np.bincount(giver, amount, count) > 0)
    )
    if not len(used):
        raise Missing("nothing flows inside the boundary", "边界内没有物料流")
    gap = imports + internal.sum(axis=0) - exports - losses - internal.sum(axis=1)
    store = account.result.system.stores
    exports += np.where(store, np.maximum(gap, 0.0), 0.0)
    imports += np.where(store, np.maximum(-gap, 0.0), 0.0)
    found = ecology.Network(csr_array(internal[used][:, used]), imports[used], exports[used], losses[used])
    _check_balance(account, found, used, layer)
    return found


def _check_balance(account: Account, network: ecology.Network, used: np.ndarray, layer: str) -> None:
    size = np.maximum(network.throughflow, network.output)
    off = np.abs(network.throughflow - network.output) > BALANCED * size
    if off.any():
        names = account.result.system.processes.iloc[used[off][:5]]
        raise Missing(
            f"{layer} does not balance at {', '.join(names['id'])}, so it makes no network at steady state",
            f"{'、'.join(names['zh'])}的{layer}不平衡，不构成稳态网络",
        )


class Measure(NamedTuple):
    """One figure of a network, as it is registered."""

    id: str
    en: str
    zh: str
    unit: str
    formula: str
    formula_zh: str
    attribute: str
    clause: str = ENA
    certainty: str = "confirmed"


MEASURES = (
    Measure(
        "tst",
        "Total system throughflow",
        "系统总通流量（TST）",
        "t/a",
        "Σ of all that enters each process",
        "Σ 各过程输入量",
        "total_throughflow",
    ),
    Measure(
        "tstp",
        "Total system throughput",
        "系统总流量（TSTp）",
        "t/a",
        "Σ of all flows, those over the boundary too",
        "Σ 全部流（含边界流）",
        "total_throughput",
    ),
    Measure(
        "apl", "Average path length", "平均路径长度", "1", "TST / imports", "TST / 边界输入", "path_length"
    ),
    Measure(
        "fci",
        "Finn cycling index",
        "Finn 循环指数",
        "1",
        "Σ T (N_jj − 1) / N_jj / TST",
        "Σ T (N_jj − 1) / N_jj / TST",
        "finn_index",
    ),
    Measure(
        "fcib",
        "Cycling index by throughput",
        "循环指数（按总流量）",
        "1",
        "Σ T (N_jj − 1) / N_jj / TSTp",
        "Σ T (N_jj − 1) / N_jj / TSTp",
        "finn_index_throughput",
    ),
    Measure(
        "cycled",
        "Cycled throughflow",
        "循环通流量",
        "t/a",
        "Σ T (N_jj − 1) / N_jj",
        "Σ T (N_jj − 1) / N_jj",
        "cycled",
    ),
    Measure(
        "indirect",
        "Indirect to direct flow",
        "间接流与直接流之比",
        "1",
        "(TST − imports − direct) / direct",
        "(TST − 边界输入 − 直接流) / 直接流",
        "indirect_to_direct",
    ),
    Measure(
        "entropy", "Diversity of flows (H)", "流多样性（H）", "bit", "−Σ p log2 p", "−Σ p log2 p", "entropy"
    ),
    Measure(
        "ami",
        "Average mutual information",
        "平均互信息（AMI）",
        "bit",
        "Σ t/TSTp log2(t TSTp / (row × column))",
        "Σ t/TSTp log2(t TSTp / (行和 × 列和))",
        "mutual_information",
    ),
    Measure("ascendency", "Ascendency", "上升性", "t·bit/a", "TSTp × AMI", "TSTp × AMI", "ascendency"),
    Measure("capacity", "Development capacity", "发展容量", "t·bit/a", "TSTp × H", "TSTp × H", "capacity"),
    Measure(
        "overhead", "Overhead", "冗余", "t·bit/a", "capacity − ascendency", "发展容量 − 上升性", "overhead"
    ),
    Measure(
        "relative_ascendency",
        "Relative ascendency",
        "相对上升性",
        "1",
        "ascendency / capacity",
        "上升性 / 发展容量",
        "relative_ascendency",
    ),
    Measure(
        "robustness", "Robustness", "稳健性", "1", "−a ln a, at most 1/e", "−a ln a（最大 1/e）", "robustness"
    ),
    Measure(
        "fitness",
        "Fitness for evolution",
        "演化适应度",
        "1",
        "−e a^b ln(a^b), b = 1.288, at most 1",
        "−e a^b ln(a^b)，b = 1.288（最大 1）",
        "fitness",
        "Ulanowicz, Goerner, Lietaer and Gomez 2009",
        MEMORY,
    ),
    Measure(
        "effective_link_density",
        "Effective link density",
        "有效链接密度",
        "1",
        "2^((H − AMI) / 2)",
        "2^((H − AMI) / 2)",
        "effective_link_density",
    ),
    Measure(
        "effective_depth", "Effective trophic depth", "有效营养深度", "1", "2^AMI", "2^AMI", "effective_depth"
    ),
    Measure(
        "links",
        "Links between processes",
        "过程间链接数",
        "links",
        "ordered pairs of processes that a flow joins",
        "有流连接的有序过程对数",
        "links",
    ),
    Measure("link_density", "Link density", "链接密度", "1", "L / n", "L / n", "link_density"),
    Measure("connectance", "Connectance", "连接度", "1", "L / (n (n − 1))", "L / (n (n − 1))", "connectance"),
    Measure(
        "cyclicity",
        "Structural cyclicity",
        "结构循环度",
        "1",
        "largest real eigenvalue of the 0-1 link matrix",
        "0-1 连接矩阵的最大实特征值",
        "cyclicity",
        "Layton, Bras and Weissburg 2016",
    ),
    Measure(
        "exchange_symmetry",
        "Exchange symmetry",
        "交换对称度",
        "1",
        "Σ min(F_ij, F_ji) / Σ F_ij",
        "Σ min(F_ij, F_ji) / Σ F_ij",
        "symmetry",
        "own definition",
        "own definition",
    ),
)


def _register(measure: Measure) -> None:
    """Register one figure of the network of mass."""

    @indicator(
        f"network.{measure.id}",
        en=measure.en,
        zh=measure.zh,
        unit=measure.unit,
        formula=measure.formula,
        formula_zh=measure.formula_zh,
        clause=measure.clause,
        certainty=measure.certainty,
        direct=True,
    )
    def of_network(account: Account) -> Figure:
        """Processes inside are the nodes, networks (pools) among them, and mass with water is what flows;
        circulating and sea water are left out. Air, water bodies and landfill are losses, all else that
        leaves exports.
        """
        found = of_account(account)
        try:
            value = float(getattr(found, measure.attribute))
        except InputError as error:
            raise Missing(str(error), "存在没有出口的封闭循环，不构成稳态") from error
        except ZeroDivisionError:
            raise Missing("the denominator is 0", "分母为零") from None
        if np.isnan(value):
            raise Missing("undefined for one node or one flow", "单一节点或单一流时无定义")
        items = (
            ("processes", "过程数", float(len(found.imports)), "1"),
            ("imports", "边界输入", found.boundary, "t/a"),
            ("total system throughflow", "系统总通流量", found.total_throughflow, "t/a"),
            ("total system throughput", "系统总流量", found.total_throughput, "t/a"),
        )
        return figure(account, items, value, _counted(account, "mass"))


for _measure in MEASURES:
    _register(_measure)


def firm_links(account: Account, exchanged: np.ndarray) -> csr_array:
    """(firms, firms) 1 where these flows run from one firm to another, directly or through a network.

    A process without a firm stands for itself. Firms without any flow are left out.
    """
    from scipy.sparse import csr_array

    processes, flows = account.result.system.processes, account.result.system.flows
    names = np.where(processes["firm"] != "", processes["firm"], processes["id"]).astype(str)
    pool = (processes["kind"] == "pool").to_numpy()
    runs = account.internal & account.runs
    member = account.inside & ~pool & (account.givers(account.runs) | account.takers(account.runs))
    firms, at = np.unique(names[member], return_inverse=True)
    firm = np.full(len(processes), -1)
    firm[member] = at
    giver, taker = flows["from_at"].to_numpy(), flows["to_at"].to_numpy()
    run = np.flatnonzero(runs & exchanged)
    direct = run[(firm[giver[run]] >= 0) & (firm[taker[run]] >= 0)]
    into, out = (
        run[pool[taker[run]] & (firm[giver[run]] >= 0)],
        run[pool[giver[run]] & (firm[taker[run]] >= 0)],
    )
    shape = (len(firms), len(processes))
    given = csr_array((np.ones(len(into)), (firm[giver[into]], taker[into])), shape=shape)
    taken = csr_array((np.ones(len(out)), (firm[taker[out]], giver[out])), shape=shape)
    links = csr_array(
        (np.ones(len(direct)), (firm[giver[direct]], firm[taker[direct]])), shape=(len(firms),) * 2
    )
    return csr_array(links + given @ taken.T)


def _connectance(account: Account, exchanged: np.ndarray) -> Figure:
    links = firm_links(account, exchanged)
    value = ecology.eco_connectance(links)
    if np.isnan(value):
        raise Missing("needs two firms or more inside the boundary", "边界内至少需要两家企业")
    pairs = value * links.shape[0] * (links.shape[0] - 1) / 2
    items = (
        ("firms", "企业数", float(links.shape[0]), "1"),
        ("pairs that exchange", "有交换的企业对", pairs, "1"),
    )
    return figure(account, items, value, account.internal & exchanged)


@indicator(
    "network.eco_connectance",
    en="Eco-connectance",
    zh="园区企业间生态关联度",
    unit="1",
    formula="2 L / (S (S − 1)), L pairs of firms that exchange anything",
    formula_zh="2 L / (S (S − 1))，L 为有交换的企业对数",
    clause=EIP,
    certainty="confirmed",
    better="more",
    direct=True,
)
def eco_connectance(account: Account) -> Figure:
    """Falls as parks grow: compare parks of like size only. A network joins each producer to each user."""
    return _connectance(account, np.ones(len(account.enters), dtype=bool))


@indicator(
    "network.byproduct_connectance",
    en="Eco-connectance by by-products and wastes",
    zh="园区企业间副产品与废物关联度",
    unit="1",
    formula="2 L / (S (S − 1)), L pairs of firms that exchange a by-product or waste",
    formula_zh="2 L / (S (S − 1))，L 为交换副产品或废物的企业对数",
    clause=EIP,
    certainty="confirmed",
    better="more",
    direct=True,
)
def byproduct_connectance(account: Account) -> Figure:
    """By-products, wastes, recyclables, waste water, reclaimed water and heat."""
    return _connectance(account, account.of_class(*BY_PRODUCTS))


@indicator(
    "network.byproduct_recycling_rate",
    en="By-product and waste recycling rate of the park",
    zh="园区副产品、废品资源化率",
    unit="1",
    formula="eco-connectance × mean share of by-products and wastes recycled",
    formula_zh="生态关联度 × 副产品与废物的资源化比例",
    clause=EIP,
    certainty=MEMORY,
    better="more",
    direct=True,
)
def byproduct_recycling_rate(account: Account) -> Figure:
    """The share recycled is that of all wastes made inside that processes inside take up."""
    share = waste.circulation_rate_waste(account)
    assert share.denominator is not None
    made = float(share.denominator.sum())
    if not made > 0:
        raise Missing("no waste is generated inside", "边界内没有废物产生")
    connected = _connectance(account, np.ones(len(account.enters), dtype=bool))
    recycled = float(share.numerator.sum()) / made
    items = (
        *((item.en, item.zh, item.value, item.unit) for item in connected.items),
        ("wastes recycled", "废物资源化比例", 100 * recycled, "%"),
    )
    return figure(account, items, connected.value * recycled, connected.flows | (share.denominator != 0))


@indicator(
    "network.input_exchange_share",
    en="Wastes and by-products exchanged inside, of material input",
    zh="园区内交换的废物与副产品占物料投入比例",
    unit="%",
    formula="wastes made and taken up inside / material that enters",
    formula_zh="园区内产生并利用的废物量 / 物料投入量",
    clause="symbiosis share, second form; a practice without a standard",
    certainty=MEMORY,
    better="more",
)
def input_exchange_share(account: Account) -> Terms:
    """How much of what the boundary uses comes from its own wastes."""
    exchanged = np.where(account.internal, waste.taken_up(account), 0.0)
    put_in = np.where(account.material_input, account.mass, 0.0)
    return Terms(exchanged, put_in, "t/a", "t/a", 100.0)
