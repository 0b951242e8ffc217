"""Scenarios of any size from a fixed seed, as tables and as files.

Local graphs as in industry: processes stand in parks of fifty, send nine in ten of their links to
neighbours in the park, the rest to the next park, and some links run backwards: recycling.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SEED = 2025
PARK = 50
LINKS = 3
"""Links to other processes; the exit makes four flows a process."""
STAYS = 0.9
"""Share of the input that goes on to other processes; the rest leaves the system."""
SUBSTANCES = ("Cu", "Ni", "Co", "Li", "Zn", "Pb", "Al", "Fe", "Mn")
YEAR = 2025

Tables = dict[str, pd.DataFrame]


def splitting_parks(count: int, layers: int) -> Tables:
    """Processes that split what enters them by transfer coefficients, each layer by its own.

    Parameters
    ----------
    count : processes, a multiple of `PARK`
    layers : 1 is mass alone, 10 is mass and nine substances
    """
    rng = np.random.default_rng(SEED)
    source = np.repeat(np.arange(count), LINKS)
    target = _targets(rng, count).ravel()
    fed = np.arange(0, count, 10)
    links = [f"link_{at}" for at in range(len(source))]
    names = np.array([f"p{at}" for at in range(count)], dtype=object)
    flows = pd.DataFrame(
        {
            "id": [*(f"feed_{at}" for at in fed), *links, *(f"exit_{at}" for at in range(count))],
            "good": np.repeat(["ore", "part", "waste"], [len(fed), len(source), count]),
            "from": np.concatenate([np.full(len(fed), "market", dtype=object), names[source], names]),
            "to": np.concatenate([names[fed], names[target], np.full(count, "landfill", dtype=object)]),
            "amount": np.append(rng.uniform(100.0, 1000.0, len(fed)), np.full(len(source) + count, np.nan)),
        }
    )
    used = ["mass", *SUBSTANCES[: layers - 1]]
    share = rng.uniform(0.2, 1.0, (layers, count, LINKS))
    share *= STAYS / share.sum(axis=2, keepdims=True)
    facts = pd.DataFrame(
        {
            "transfer": np.tile(np.array(links, dtype=object), layers),
            "at": np.tile(names[source], layers),
            "layer": np.repeat(np.array(used, dtype=object), len(source)),
            "value": share.ravel(),
        }
    )
    tables = {
        "goods": pd.DataFrame({"id": ["ore", "part", "waste"]}),
        "processes": pd.DataFrame({"id": names}),
        "flows": flows,
        "facts": facts,
    }
    if layers > 1:
        tables["layers"] = pd.DataFrame({"id": used[1:]})
        tables["contents"] = pd.DataFrame({"good": "ore", "layer": used[1:], "value": 0.02})
    return tables


def _targets(rng: np.random.Generator, count: int) -> np.ndarray:
    """Where each process sends to, shape (count, LINKS); the first is the next one, so all are reached."""
    park, place = np.divmod(np.arange(count)[:, None], PARK)
    step = rng.integers(1, 12, (count, LINKS)) * np.where(rng.random((count, LINKS)) < 0.15, -1, 1)
    step[:, 0] = 1
    away = rng.random((count, LINKS)) < 0.1 * LINKS / (LINKS - 1)
    away[:, 0] = False
    next_park = (park + 1) % (count // PARK)
    inside, outside = park * PARK + (place + step) % PARK, next_park * PARK + (place + step) % PARK
    return np.where(away, outside, inside)


def choosing_parks(count: int) -> Tables:
    """Parks in which every user has rival suppliers with limits and capacities, and the market as the last.

    Of fifty processes 20 assemble machines out of parts, 15 make parts out of metal, 15 metal out of ore.
    Each buys from two makers of the first rank (whose ties are shared), one of the second, and the market.
    """
    rng = np.random.default_rng(SEED)
    place = np.arange(count) % PARK
    tier = np.searchsorted([20, 35], place, side="right")
    names = np.array([f"p{at}" for at in range(count)], dtype=object)
    buyers = np.flatnonzero(tier < 2)
    user = np.repeat(buyers, LINKS)
    start = np.array([0, 20, 35])
    turn = place[user] - start[tier[user]] + np.tile([0, 4, 9], len(buyers))
    supplier = user - place[user] + start[tier[user] + 1] + turn % 15
    good = np.array(["part", "metal"], dtype=object)
    bought = pd.DataFrame(
        {
            "id": [*(f"bought_{at}" for at in range(len(user))), *(f"market_{at}" for at in buyers)],
            "good": np.append(good[tier[user]], good[tier[buyers]]),
            "from": np.append(names[supplier], np.full(len(buyers), "market", dtype=object)),
            "to": np.append(names[user], names[buyers]),
            "prefer": np.append(np.tile([1.0, 1.0, 2.0], len(buyers)), np.full(len(buyers), np.nan)),
        }
    )
    limited = np.arange(0, len(user), LINKS)
    limits = {"limit": [f"bought_{at}" for at in limited], "max": rng.uniform(5.0, 60.0, len(limited))}
    processes = pd.DataFrame(
        {
            "id": names,
            "recipe": np.array(["assembly", "forming", "smelting"], dtype=object)[tier],
            "activity": np.where(tier == 0, rng.uniform(50.0, 100.0, count), np.nan),
            "capacity": np.where(tier == 0, np.nan, rng.uniform(40.0, 120.0, count)),
        }
    )
    tables = {"goods": _GOODS, "recipes": _RECIPES, "processes": processes, "flows": bought}
    return {**tables, "facts": pd.DataFrame(limits)}


_GOODS = pd.DataFrame(
    {
        "id": ["machine", "part", "metal", "ore", "offcut", "slag"],
        "fate": ["market", "market", "market", "market", "treatment", "landfill"],
    }
)
_RECIPES = pd.DataFrame(
    [
        ("assembly", "in", "part", 1.0, ""),
        ("assembly", "out", "machine", 1.0, "reference"),
        ("forming", "in", "metal", 1.1, ""),
        ("forming", "out", "part", 1.0, "reference"),
        ("forming", "out", "offcut", 0.1, ""),
        ("smelting", "in", "ore", 2.5, ""),
        ("smelting", "out", "metal", 1.0, "reference"),
        ("smelting", "out", "slag", 1.5, ""),
    ],
    columns=["recipe", "direction", "good", "amount", "role"],
)


def write(tables: Tables, folder: Path) -> Path:
    """The tables as a scenario file that names a CSV file for each; amounts carry their units."""
    lines = ["flowsim: 1", f"year: {YEAR}", "name: {en: benchmark, zh: 基准测试}"]
    for name, frame in tables.items():
        written = frame.copy()
        if name == "goods":
            written["en"], written["zh"] = written["id"], written["id"]
        if "amount" in written:
            written["amount"] = [
                f"{value!r} t/a" if value == value else "" for value in written["amount"].tolist()
            ]
        written.to_csv(folder / f"{name}.csv", index=False)
        lines.append(f"{name}: {name}.csv")
    path = folder / "scenario.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
