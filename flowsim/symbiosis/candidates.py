"""Who could give what to whom: residues that leave, joined with the inputs that are still bought.

All is done on tables: what leaves × what fits (the same good, a substitute of the library, a treatment
on the way) × what is needed. Nothing is balanced here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flowsim.checks import MASS
from flowsim.indicators.account import UNPRICED, Account
from flowsim.indicators.ledger import SAVED
from flowsim.indicators.registry import evaluate
from flowsim.link_checks import HAZARDOUS, permitted

if TYPE_CHECKING:
    from flowsim.result import Result
    from flowsim.scenario import Scenario

RESIDUES = (
    "by_product", "recyclable", "solid_waste", "hazardous_waste", "municipal_waste", "construction_waste",
    "agricultural_waste", "wastewater", "reclaimed_water", "circulating_water", "heat",
)  # fmt: skip
"""Classes of goods that look for a taker wherever they leave; all others only where they are disposed of."""
WASTES = (
    "solid_waste", "hazardous_waste", "municipal_waste", "construction_waste", "wastewater", "emission",
    "air", "vapour",
)  # fmt: skip
"""Classes of goods that a treatment is not there to make."""
NEVER = ("air", "vapour", "emission")
"""Classes that nobody would lead to another plant."""
LOST = ("treatment", "landfill", "air", "water")

LIMITS = {
    "supply": ("all that leaves is taken", "余量已全部利用"),
    "need": ("all that is bought there is replaced", "已替代全部外购量"),
    "share": ("largest share of the substitute", "替代比例上限"),
    "ceiling": ("content ceiling of the blend", "混合料含量上限"),
    "capacity": ("capacity of the taker", "接收方产能"),
}
"""What limits a candidate, in English and Chinese."""

REJECTED = {
    "drawn": ("is drawn already", "已在情景中"),
    "idle": ("does not run", "未运行"),
    "permit": ("has no permit for this hazardous waste", "无该危险废物经营许可"),
    "closing": (
        "its recipe has no closing line for the difference in weight",
        "配方无平衡项，无法吸收质量差",
    ),
    "met": ("buys none: its need is met", "无外购需求"),
    "share": ("has reached the largest share of the substitute", "替代比例已达上限"),
    "ceiling": ("its blend has reached a content ceiling", "混合料含量已达上限"),
    "no_answer": ("leaves the scenario no answer when it is drawn", "开通后情景无解"),
    "unused": ("takes none by merit order when it is drawn", "开通后按优先次序未被采用"),
}
"""Why a taker is out of the question, in English and Chinese."""

KINDS = ("utilise", "treat")
"""Kinds of recipe that may stand on the way of a residue."""
TINY = 1e-6
KEY = ["from", "good", "through", "to"]


@dataclass(frozen=True)
class Screen:
    """What leaves and what is needed in a balanced scenario, and the candidates between them."""

    scenario: Scenario
    result: Result
    freight: float = float("nan")

    @cached_property
    def account(self) -> Account:
        return Account(self.result, "city")

    @cached_property
    def _weights(self) -> dict[str, np.ndarray]:
        """For each saving but money, what each flow adds to its indicator, shape (flows,)."""
        out = {}
        for key, (name, *_) in SAVED.items():
            if key != "money":
                terms = evaluate(self.result, name, "city")[0].terms
                out[key] = np.full(len(self.account.amounts), np.nan) if terms is None else terms.numerator
        return out

    @cached_property
    def leaving(self) -> pd.DataFrame:
        """What leaves each process or pool and looks for a taker: amount, price, part in each saving."""
        account, flows, goods = self.account, self.result.system.flows, self.result.system.goods
        chosen = account.leaves & (np.nan_to_num(account.amounts) > TINY)
        chosen &= account.of_class(*RESIDUES) | account.to_place(*LOST)
        chosen &= ~account.of_class(*NEVER)
        values = {"left": account.amounts, "price": account.price(), **self._weights}
        table = _summed(flows[["from", "good"]], values, chosen)
        table["unit"] = table["good"].map(goods.set_index("id")["unit"])
        return table

    @cached_property
    def slots(self) -> pd.DataFrame:
        """What each process needs, in units of its slot: in all, still bought, room for more."""
        account, flows, processes = self.account, self.result.system.flows, self.result.system.processes
        ratio, amounts = flows["ratio"].to_numpy(), np.nan_to_num(account.amounts)
        slot = np.where(flows["replaces"] != "", flows["replaces"], flows["good"])
        keys = pd.DataFrame({"to": flows["to"], "slot": slot})
        inside = ~processes["outside"].to_numpy()[flows["to_at"].to_numpy()]
        table = _summed(keys, {"total": ratio * amounts}, inside)
        bought = account.enters & inside & (amounts > TINY)
        values = {"bought": ratio * amounts, "paid": account.price(), **self._weights}
        table = table.merge(_summed(keys, values, bought), on=["to", "slot"], how="left")
        table["bought"] = table["bought"].fillna(0.0)
        named = processes.set_index("id")
        table["recipe"] = table["to"].map(named["recipe"]).fillna("")
        table["room"] = table["to"].map(self._room()).fillna(0.0)
        table.loc[table["slot"] != table["to"].map(named["good"]), "room"] = 0.0
        return table

    def _room(self) -> pd.Series:
        """What plants that live on waste could still take: free capacity; nothing where a fact fixes them."""
        result, processes = self.result, self.result.system.processes
        rows, system = result.system.rows, result.system
        fixed = set(rows.process[(rows.kind == "given") & (rows.flow < 0)].tolist())
        mine = np.flatnonzero(system.unknown_kind == "activity")
        at = system.unknown_at[mine]
        free = processes["fed"].to_numpy()[at] & ~np.isin(at, list(fixed))
        room = np.where(free, system.upper[mine] - result.x[mine], 0.0)
        return pd.Series(np.maximum(room, 0.0), processes["id"].to_numpy()[at])

    def candidates(self) -> pd.DataFrame:
        """Every giver with every taker that could use what it gives, the impossible ones with the reason.

        Columns: from, good, through, to, plant, product, slot, amount (of the good, a year), arrives (of the
        product), unit, limit (a key of `LIMITS`), rejected (a key of `REJECTED` or nothing), distance, and
        an estimate of each saving by what no longer leaves and what need no longer be bought.
        """
        given = self.leaving.rename(columns={key: f"{key}_left" for key in self._weights})
        ways = _ways(self.scenario.tables)
        direct = given.assign(through="", product=given["good"], per=1.0, way=0.0)
        offered = pd.concat([direct, given.merge(ways, on="good")], ignore_index=True)
        pairs = self._fits(offered)
        pairs = pairs[pairs["from"] != pairs["to"]].sort_values("order", kind="stable").drop_duplicates(KEY)
        pairs = pd.concat([pairs.assign(plant=""), self._new_plants(given)], ignore_index=True)
        self._limit(pairs)
        pairs["rejected"] = self._rejected(pairs)
        pairs["distance"] = self._distances(pairs)
        self._estimate(pairs)
        return pairs.sort_values(KEY, kind="stable", ignore_index=True)

    def _fits(self, offered: pd.DataFrame) -> pd.DataFrame:
        """What is offered beside each slot that it fills as it is, or as a substitute of the library."""
        slots = self.slots
        own = offered.merge(slots, left_on="product", right_on="slot").assign(ratio=1.0, share=1.0, order=0)
        table = self.scenario.tables["substitutes"]
        table = table.rename(columns={"good": "product", "replaces": "slot", "max_share": "share"})
        table = table[["product", "slot", "recipe", "ratio", "share"]]
        plain = table[table["recipe"] == ""].drop(columns="recipe")
        special = offered.merge(table[table["recipe"] != ""], on="product").merge(
            slots, on=["slot", "recipe"]
        )
        general = offered.merge(plain, on="product").merge(slots[slots["recipe"] != ""], on="slot")
        return pd.concat([own, special.assign(order=1), general.assign(order=2)], ignore_index=True)

    def _new_plants(self, given: pd.DataFrame) -> pd.DataFrame:
        """Plants for a residue of which none runs in the scenario, by recipes whose reference line it is."""
        recipes = self.scenario.tables["recipes"]
        heads = recipes[(recipes["direction"] == "in") & (recipes["role"] == "reference")]
        heads = heads[~heads["recipe"].isin(set(self.scenario.tables["processes"]["recipe"]))]
        margins = _margins(self.scenario.tables, recipes.loc[heads.index], None)
        heads = heads[["good", "recipe"]].assign(way=margins / heads["amount"])
        made = given.merge(heads, on="good")
        return made.assign(
            plant=made["recipe"], to="new_" + made["recipe"], through="", product=made["good"], per=1.0,
            slot=made["good"], ratio=1.0, share=1.0, order=3, bought=0.0, room=np.inf, total=0.0, paid=0.0,
        )  # fmt: skip

    # ---- limits ----

    def _limit(self, pairs: pd.DataFrame) -> None:
        """The most that each pair can move, and which limit that is."""
        need = (pairs["bought"] + pairs["room"]) / pairs["ratio"]
        most = {
            "supply": pairs["left"] * pairs["per"],
            "need": np.where(pairs["room"] > 0, np.inf, need),
            "capacity": np.where(pairs["room"] > 0, need, np.inf),
            "share": self._share_left(pairs),
            "ceiling": self._ceiling_left(pairs),
        }
        table = np.column_stack(list(most.values()))
        pairs["limit"] = np.array(list(most), dtype=object)[table.argmin(axis=1)]
        pairs["arrives"] = np.maximum(table.min(axis=1), 0.0)
        pairs["amount"] = pairs["arrives"] / pairs["per"]

    def _share_left(self, pairs: pd.DataFrame) -> np.ndarray:
        """What the largest share of a substitute leaves open, in units of the substitute."""
        flows = self.result.system.flows
        slot = np.where(flows["replaces"] != "", flows["replaces"], flows["good"])
        keys = pd.DataFrame({"to": flows["to"], "slot": slot, "product": flows["good"]})
        amounts = np.nan_to_num(self.account.amounts) * flows["ratio"].to_numpy()
        used = _summed(keys, {"used": amounts}, amounts > 0)
        found = pairs[["to", "slot", "product"]].merge(used, on=["to", "slot", "product"], how="left")["used"]
        room = pairs["share"] * (pairs["total"] + pairs["room"]) - np.nan_to_num(found.to_numpy())
        return np.where(pairs["share"] < 1, room / pairs["ratio"], np.inf)

    def _ceiling_left(self, pairs: pd.DataFrame) -> np.ndarray:
        """What the ceilings of the blend leave open, in units of the product, net of what it displaces."""
        system, tables = self.result.system, self.scenario.tables
        out = np.full(len(pairs), np.inf)
        mass = pairs["product"].map(tables["goods"].set_index("id")["kind"]).map(MASS).to_numpy(dtype=float)
        slots = np.where(system.flows["replaces"] != "", system.flows["replaces"], system.flows["good"])
        for row in np.flatnonzero(system.upper_rows.kind == "ceiling"):
            layer = str(system.upper_rows.layer[row])
            if layer in system.layers:
                continue
            entries = system.upper_matrix[[int(row)]].tocoo()
            slack = float(system.upper_rhs[row] - (system.upper_matrix[[int(row)]] @ self.result.x)[0])
            of_slot = dict(zip(slots[entries.col], entries.data, strict=True))
            contents = tables["contents"][tables["contents"]["layer"] == layer].set_index("good")["value"]
            place = system.processes["id"].iloc[int(system.upper_rows.process[row])]
            mine = ((pairs["to"] == place) & pairs["slot"].isin(list(of_slot))).to_numpy()
            held = pairs["product"].map(contents).fillna(0.0).to_numpy()
            net = mass * (held - system.upper_rows.value[row])
            net = net - (pairs["ratio"] * pairs["slot"].map(of_slot).fillna(0.0)).to_numpy()
            binds = mine & (net > 0)
            out[binds] = np.minimum(out[binds], max(slack, 0.0) / net[binds])
        return out

    def _rejected(self, pairs: pd.DataFrame) -> np.ndarray:
        """Why a pair is out of the question; the first reason counts."""
        tables, rows = self.scenario.tables, self.result.system.rows
        ends = pd.concat([tables[name][["from", "good", "to"]] for name in ("flows", "links")])
        drawn = pd.MultiIndex.from_frame(pairs[["from", "good", "to"]]).isin(pd.MultiIndex.from_frame(ends))
        goods = tables["goods"].set_index("id")
        may, hazardous = permitted(tables), (pairs["product"].map(goods["class"]) == HAZARDOUS).to_numpy()
        allowed = [
            to not in may or bool(may[to] & {good, HAZARDOUS})
            for to, good in zip(pairs["to"], pairs["product"], strict=True)
        ]
        mass = {side: pairs[side].map(goods["kind"]).map(MASS) for side in ("product", "slot")}
        closing = self.result.system.processes["id"].to_numpy()[rows.process[rows.kind == "closing"]]
        heavy = ~np.isclose(mass["product"], pairs["ratio"] * mass["slot"], rtol=1e-9) & (pairs["order"] > 0)
        nothing = (pairs["arrives"] <= TINY).to_numpy()
        reasons = {
            "drawn": drawn & (pairs["through"] == "").to_numpy(),
            "permit": hazardous & ~np.array(allowed, dtype=bool),
            "closing": (heavy & ~pairs["to"].isin(closing)).to_numpy(),
            "idle": (pairs["total"] + pairs["room"] <= TINY).to_numpy(),
            "met": (pairs["bought"] + pairs["room"] <= TINY).to_numpy(),
            "share": nothing & (pairs["limit"] == "share").to_numpy(),
            "ceiling": nothing & (pairs["limit"] == "ceiling").to_numpy(),
        }
        return np.select(list(reasons.values()), list(reasons), default="").astype(object)

    # ---- what it would save ----

    def _distances(self, pairs: pd.DataFrame) -> np.ndarray:
        """km between the sites of giver and taker, NaN where not stated; a new plant stands at the giver."""
        table, processes = self.scenario.tables["distances"], self.result.system.processes
        site = processes.set_index("id")["site"]
        known = {(a, b): far for b, a, far in table[["from", "to", "distance"]].to_numpy()}
        known |= {(a, b): far for a, b, far in table[["from", "to", "distance"]].to_numpy()}
        ends = zip(pairs["from"].map(site).fillna(""), pairs["to"].map(site).fillna(""), strict=True)
        found = [0.0 if a == b != "" else known.get((a, b), np.nan) for a, b in ends]
        return np.where(pairs["plant"] != "", 0.0, np.array(found, dtype=float))

    def _estimate(self, pairs: pd.DataFrame) -> None:
        """Savings by what no longer leaves and what need no longer be bought; nothing else is counted."""
        sent = (pairs["amount"] / pairs["left"]).to_numpy()
        share = (pairs["ratio"] * pairs["arrives"]).to_numpy() / np.maximum(pairs["bought"].to_numpy(), TINY)
        spared = np.where(pairs["bought"] > TINY, np.minimum(share, 1.0), 0.0)
        for key in self._weights:
            pairs[key] = sent * pairs[f"{key}_left"] + _times(spared, pairs[key])
        money = _times(spared, pairs["paid"]) - sent * pairs["price"] + pairs["amount"] * pairs["way"]
        freight = 0.0 if np.isnan(self.freight) else _times(pairs["amount"] * self.freight, pairs["distance"])
        pairs["money"] = money - freight


def _times(weight: np.ndarray | pd.Series, value: pd.Series) -> np.ndarray:
    """A product that is 0 where the weight is, whatever the value."""
    return np.where(np.asarray(weight) == 0, 0.0, np.asarray(weight) * value.to_numpy(dtype=float))


def _ways(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Treatments that could stand on the way: good, recipe, product, amount and margin per unit of the good.

    A recipe qualifies whose kind is to utilise or to treat, and of whose residues this is the heaviest; one
    that runs in the scenario already is a taker of its own. Its wastes and emissions are no product.
    """
    recipes, goods = tables["recipes"], tables["goods"].set_index("id")
    kind = recipes["recipe"].map(recipes[recipes["role"] == "reference"].set_index("recipe")["kind"])
    taken = (recipes["direction"] == "in") & kind.isin(KINDS)
    taken &= ~recipes["recipe"].isin(set(tables["processes"]["recipe"]))
    classes = recipes["good"].map(goods["class"])
    mass = (recipes["amount"] * recipes["good"].map(goods["kind"]).map(MASS)).where(
        taken & classes.isin(RESIDUES)
    )
    main = mass > 0
    main &= mass == mass.groupby(recipes["recipe"]).transform("max")
    useful = (recipes["direction"] == "out") & ~classes.isin(WASTES)
    ins = recipes[main][["recipe", "good", "amount"]].reset_index(names="line")
    outs = recipes[useful][["recipe", "good", "amount"]].reset_index(names="out_line")
    ways = ins.merge(outs, on="recipe", suffixes=("", "_out"))
    ways = ways[(ways["good"] != ways["good_out"]) & (ways["amount"] > 0) & (ways["amount_out"] > 0)]
    ways["per"] = ways["amount_out"] / ways["amount"]
    margin = _margins(tables, recipes.loc[ways["line"]], recipes.loc[ways["out_line"]])
    ways["way"] = margin / ways["amount"].to_numpy()
    ways = ways.rename(columns={"recipe": "through", "good_out": "product"})
    return ways[["good", "through", "product", "per", "way"]]


def _margins(tables: Mapping[str, pd.DataFrame], ins: pd.DataFrame, outs: pd.DataFrame | None) -> np.ndarray:
    """CNY per run of the recipes of these lines at general prices, these lines themselves left out.

    NaN where one of the other lines has no price.
    """
    recipes, prices = tables["recipes"], tables["prices"]
    general = prices[prices["recipe"] == ""].drop_duplicates("good").set_index("good")["price"]
    free = recipes["good"].map(tables["goods"].set_index("id")["class"]).isin(UNPRICED)
    sign = np.where(recipes["direction"] == "out", 1.0, -1.0)
    worth = sign * recipes["amount"] * recipes["good"].map(general)
    worth = worth.where(worth.notna() | ~free, 0.0)
    lacks = worth.isna().astype(float)
    value, lack = ((column.groupby(recipes["recipe"]).sum()) for column in (worth.fillna(0.0), lacks))
    total, missing = (ins["recipe"].map(column).to_numpy() for column in (value, lack))
    for lines in (ins,) if outs is None else (ins, outs):
        total = total - worth.fillna(0.0).loc[lines.index].to_numpy()
        missing = missing - lacks.loc[lines.index].to_numpy()
    return np.where(missing > 0, np.nan, total)


def _summed(keys: pd.DataFrame, values: dict[str, np.ndarray], chosen: np.ndarray) -> pd.DataFrame:
    """Sums of values over the chosen flows that agree in all keys."""
    table = keys[chosen].assign(**{name: value[chosen] for name, value in values.items()})
    return table.groupby(list(keys.columns), sort=True).sum(min_count=1).reset_index()
