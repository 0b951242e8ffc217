"""``python -m benchmarks.stocks``: the kernel of stocks beside flodym and the least numpy that does it.

Weibull lifetimes, each series with a mean of its own, fixed or changing with the cohort; from the inflow to
the stock and back. ODYM is not on the package index and is not measured. flodym keeps a table of years by
years by series, so its largest case is run only with ``--all``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import gamma
from threadpoolctl import threadpool_limits

from benchmarks.timing import seconds
from flowsim.cohorts import stock_model
from flowsim.lifetimes import Lifetime

SEED = 2025
SHAPE = 3.0
CASES = ((100, 1_000), (300, 1_000))
"""Years and series."""
GOAL = 3.0
"""Times the floor that the kernel may take (docs/stocks.md)."""


def main() -> None:
    """Parse the options, measure with one BLAS thread, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stocks", description=__doc__)
    parser.add_argument("--all", action="store_true", help="flodym in its largest case too (3 GB)")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{'':34}{'flowsim':>10}{'floor':>10}{'flodym':>10}{'/ floor':>9}{'flodym /':>10}  goal")
    with threadpool_limits(1):
        for years, series in CASES:
            for by_cohort in (False, True):
                peer = options.all or years * series <= 100_000
                _measure(years, series, by_cohort, peer, options.repeats)


def _measure(years: int, series: int, by_cohort: bool, peer: bool, repeats: int) -> None:
    """One size and one kind of lifetime, inflow-driven and stock-driven."""
    rng = np.random.default_rng(SEED)
    mean = rng.uniform(5.0, 40.0, (years, series) if by_cohort else series)
    inflow = rng.uniform(0.0, 1.0, (years, series))
    life = Lifetime("weibull", mean, SHAPE, by_cohort=by_cohort)
    floor = _floor_by_cohort if by_cohort else _floor_fixed
    stock = stock_model(range(years), life, inflow=inflow).stock
    works: dict[str, list[Callable[[], Any]]] = {
        "inflow to stock": [
            lambda: stock_model(range(years), life, inflow=inflow).stock,
            lambda: floor(mean, inflow, None),
        ],
        "stock to inflow": [
            lambda: stock_model(range(years), life, stock=stock).inflow,
            lambda: floor(mean, None, stock),
        ],
    }
    for name, pair in works.items():
        (own, made), (least, same) = seconds(pair, repeats)
        assert np.allclose(made, same, rtol=1e-8, atol=1e-9), name
        other = _flodym(mean, inflow, stock, name.startswith("stock"), made) if peer else np.nan
        kind = "by cohort" if by_cohort else "fixed"
        label = f"{years} years x {series}, {kind}, {name.split()[0]}"
        verdict = "met" if own <= GOAL * least else "MISSED"
        print(
            f"{label:34}{own:>10.4f}{least:>10.4f}{other:>10.3f}{own / least:>9.2f}{other / own:>10.1f}"
            f"  {GOAL:g} x {verdict}",
            flush=True,
        )


def _scale(mean: np.ndarray) -> np.ndarray:
    return mean / gamma(1 + 1 / SHAPE)


def _floor_fixed(mean: np.ndarray, inflow: np.ndarray | None, stock: np.ndarray | None) -> np.ndarray:
    """One FFT convolution, or plain forward substitution."""
    count = len(inflow if stock is None else stock)
    left = np.exp(-((np.arange(count) + 0.5)[:, None] ** SHAPE) * _scale(mean) ** -SHAPE)
    if inflow is not None:
        size = next_fast_len(2 * count - 1, real=True)
        return irfft(rfft(left, size, axis=0) * rfft(inflow, size, axis=0), size, axis=0)[:count]
    rest, found = stock.copy(), np.empty(stock.shape)
    for step in range(count):
        found[step] = rest[step] / left[0]
        rest[step:] -= found[step] * left[: count - step]
    return found


def _floor_by_cohort(mean: np.ndarray, inflow: np.ndarray | None, stock: np.ndarray | None) -> np.ndarray:
    """A loop over the cohorts with nothing but the formula in it."""
    count = len(mean)
    power = (np.arange(count) + 0.5)[:, None] ** SHAPE
    factor = _scale(mean) ** -SHAPE
    standing = np.zeros(mean.shape)
    found = np.empty(mean.shape)
    for step in range(count):
        left = np.exp(-power[: count - step] * factor[step])
        found[step] = inflow[step] if stock is None else (stock[step] - standing[step]) / left[0]
        standing[step:] += found[step] * left
    return standing if stock is None else found


def _flodym(
    mean: np.ndarray, inflow: np.ndarray, stock: np.ndarray, stock_driven: bool, made: np.ndarray
) -> float:
    """Seconds that flodym takes, once; its answer must be the same. NaN where it is not installed."""
    try:
        import flodym
    except ImportError:
        return np.nan
    years, series = inflow.shape
    time = flodym.Dimension(name="Time", letter="t", items=list(range(years)), dtype=int)
    region = flodym.Dimension(name="Series", letter="r", items=list(range(series)), dtype=int)
    dims = flodym.DimensionSet(dim_list=[time, region])
    scale = flodym.FlodymArray(dims=dims, values=np.broadcast_to(_scale(mean), inflow.shape).copy())

    def run() -> np.ndarray:
        life = flodym.WeibullLifetime(
            dims=dims, time_letter="t", weibull_scale=scale, weibull_shape=SHAPE, inflow_at="middle"
        )
        kind = flodym.StockDrivenDSM if stock_driven else flodym.InflowDrivenDSM
        model = kind(dims=dims, name="stock", time_letter="t", lifetime_model=life)
        (model.stock if stock_driven else model.inflow).values[...] = stock if stock_driven else inflow
        model.compute()
        return (model.inflow if stock_driven else model.stock).values

    [(taken, found)] = seconds([run], 1)
    assert np.allclose(found, made, rtol=1e-8, atol=1e-8)
    return taken


if __name__ == "__main__":
    main()
