"""The bare kernel of stocks: published figures, closed forms, conservation, inversion, messages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gamma

from flowsim.cohorts import ENTRIES, Initial, Steps, Stocks, stock_model
from flowsim.errors import InputError
from flowsim.lifetimes import DISTRIBUTIONS, Lifetime, hazard_table, left_at, mean_between, mean_life
from flowsim.schema import LIFETIMES

TEN = np.arange(1, 11)
LIVES = [
    Lifetime("fixed", 5),
    Lifetime("normal", 5, 1.5),
    Lifetime("folded_normal", 5, 1.5),
    Lifetime("lognormal", 5, 1.5),
    Lifetime("weibull", 5, 2.0),
    Lifetime("gamma", 5, 1.5),
    Lifetime("logistic", 5, 1.5),
    Lifetime("table", survival=(1, 0.9, 0.5, 0.1, 0)),
    Lifetime("unlimited"),
]


def test_the_lives_tried_here_are_all_there_are() -> None:
    assert [life.distribution for life in LIVES] == list(DISTRIBUTIONS) == list(LIFETIMES)


# ---- published figures: IndEcol/ODYM, tests of the dynamic stock model, where things enter at the end ----


def test_a_fixed_life_of_five_years_gives_the_published_stock_and_outflow() -> None:
    model = stock_model(TEN, Lifetime("fixed", 5), inflow=TEN, entry="end")
    assert model.stock.tolist() == [1, 3, 6, 10, 15, 20, 25, 30, 35, 40]
    assert model.outflow.tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 4, 5]


def test_a_normal_life_gives_the_published_stock() -> None:
    model = stock_model(TEN, Lifetime("normal", 5, 1.5), inflow=TEN, entry="end")
    assert model.stock[[0, 1, 9]] == pytest.approx([0.99957094, 2.9953115, 41.45873561], abs=5e-9)


def test_a_normal_life_gives_the_published_stock_changes() -> None:
    model = stock_model(TEN, Lifetime("normal", 5, 1.5), inflow=TEN, entry="end")
    published = [0.99957094, 1.99574056, 2.97299043, 3.88177921, 4.62928667]
    published += [5.12928667, 5.38177921, 5.47299043, 5.49574056, 5.49957094]
    assert model.change == pytest.approx(published, abs=5e-9)


def test_a_weibull_life_gives_the_published_stock_outflow_and_cohorts() -> None:
    life = Lifetime("weibull", gamma(1 + 1 / 1.2), 1.2)
    model = stock_model(TEN, life, inflow=TEN, entry="end")
    stock = [1, 2.367879441, 3.836279069, 5.328499576, 6.825822547]
    stock += [8.324154666, 9.822673522, 11.321225, 12.8197819, 14.31833966]
    outflow = [0, 0.632120559, 1.531600372, 2.507779493, 3.502677029]
    outflow += [4.50166788, 5.501481144, 6.501448519, 7.5014431, 8.501442241]
    assert model.stock == pytest.approx(stock, abs=5e-9)
    assert model.outflow == pytest.approx(outflow, abs=5e-9)
    left = [8.59762e-07, 1.08366e-05, 9.78769e-05, 0.000746944, 0.005045743]
    left += [0.030614786, 0.166746152, 0.804161493, 3.310914971, 10]
    assert model.cohorts()[-1] == pytest.approx(left, rel=5e-6)
    back = stock_model(TEN, life, stock=stock, entry="end")
    assert back.inflow == pytest.approx(TEN, abs=2e-8)


def test_a_wanted_stock_on_top_of_known_cohorts_gives_the_published_inflow() -> None:
    """What entered in four years stands at 3, 5, 2 and 4; then the stock is to be 18, 20, 20, 20, 20."""
    initial = Initial(np.array([3.0, 5, 2, 4]), ages=[3, 2, 1, 0])
    life = Lifetime("normal", 5, 1.5)
    model = stock_model(range(5, 10), life, stock=[18, 20, 20, 20, 20], initial=initial, entry="end")
    published = [4.93639364, 3.87383821, 2.78892598, 3.36324466, 3.66568266]
    assert model.inflow == pytest.approx(published, abs=5e-9)
    cohorts = [3.68999109, 3.5205007, 2.72547754, 3.35036215, 3.66410986]
    assert model.cohorts()[-1] == pytest.approx(cohorts, abs=5e-9)
    old = [0.07510039, 0.46667297, 0.5069268, 2.00085849]
    assert model.initial[-1] == pytest.approx(sum(old), abs=2e-8)


CARS = {
    "Austria": ("weibull", 1 / 0.05917, 4.2, 4748.048, 1348882.5183442738),
    "Denmark": ("weibull", 1 / 0.05376, 3.5, 2392.079, 633299.8471803796),
    "Japan": ("weibull", 1 / 0.06757, 3.4, 60987.883, 16492431.560679466),
    "Sweden": ("normal", 16, 4.8, 4669.063, 1627299.4397670068),
    "China": ("normal", 16, 4.8, 135804.833, 2546256.978520304),
}
"""Life (Weibull: scale and shape), cars in use in 2015 in thousands, and how many of them the printed output
of ODYM's tutorial 5 finds to be older than the registrations on record."""
REGISTERED = {
    "Austria": [307915, 308594, 298182, 293697, 319403, 328563, 356145, 336010, 319035, 303318, 308555],
    "Denmark": [148819, 156936, 162686, 150199, 112454, 153858, 170036, 170763, 182086, 189055, 207717],
    "Japan": [4748482, 4612318, 4325508, 4184266, 3905310, 4203181, 3509036, 4572333, 4562282, 4699591,
              4215889],
    "Sweden": [274301, 282766, 306794, 253982, 213408, 289684, 304984, 279899, 269599, 303948, 345108],
    "China": [3971101, 5175961, 6297538, 6755609, 10331315, 13757794, 14472416, 15495240, 17927730, 19707677,
              21210339],
}  # fmt: skip
"""New passenger cars of 2005 to 2015."""


@pytest.mark.parametrize("country", CARS)
def test_the_cars_of_a_country_that_are_older_than_its_records_are_as_published(country: str) -> None:
    """Pauliuk and Heeren, 2020, J. Ind. Ecol. 24, 446-458: ODYM, tutorial 5, on the global vehicle fleet."""
    name, first, shape, in_use, published = CARS[country]
    mean = first * gamma(1 + 1 / shape) if name == "weibull" else first
    model = stock_model(
        range(2005, 2016), Lifetime(name, mean, shape), inflow=REGISTERED[country], entry="end"
    )
    assert 1000 * in_use - model.stock[-1] == pytest.approx(published, abs=1e-6 * published)


@pytest.mark.parametrize(
    ("entry", "stock"),
    [
        ("start", [1, 3, 6, 10, 15, 20, 25, 30, 35, 40]),
        ("middle", [1, 3, 6, 10, 15, 20, 25, 30, 35, 40]),
        ("end", [1, 3, 6, 10, 15, 20, 25, 30, 35, 40]),
        ("spread", [1, 3, 6, 10, 15, 20, 25, 30, 35, 40]),
    ],
)
def test_a_fixed_life_in_each_convention(entry: str, stock: list[float]) -> None:
    gone = {"start": TEN - 4.0, "middle": TEN - 5.0, "end": TEN - 5.0, "spread": TEN - 5.0}[entry].clip(0)
    model = stock_model(TEN, Lifetime("fixed", 5), inflow=TEN, entry=entry)
    assert model.outflow == pytest.approx(gone, abs=1e-12)
    assert model.stock == pytest.approx(np.cumsum(TEN - gone), abs=1e-12)
    assert (entry == "start") == (model.stock.tolist() != stock)


def test_entering_earlier_leaves_less() -> None:
    ends = [stock_model(TEN, Lifetime("normal", 5, 1.5), inflow=TEN, entry=e).stock[-1] for e in ENTRIES]
    start, middle, end, spread = ends
    assert start < middle < end
    assert start < spread < end


# ---- closed forms ----


def test_exponential_lives_and_a_steady_inflow_have_a_closed_form() -> None:
    tau, years = 7.0, np.array([1.0, 2, 3, 5, 9, 9.5, 20])
    for life in (Lifetime("weibull", tau, 1.0), Lifetime("gamma", tau, tau)):
        model = stock_model(years, life, inflow=np.full(7, 3.0), entry="spread", first=1.0)
        assert model.stock == pytest.approx(3 * tau * (1 - np.exp(-years / tau)), rel=1e-12)


@pytest.mark.parametrize("life", LIVES[:8], ids=lambda life: life.distribution)
def test_the_mean_life_is_the_area_under_the_survival(life: Lifetime) -> None:
    edges = np.linspace(0, 200, 4001)
    area = (mean_between(life, edges[:-1], edges[1:]) * np.diff(edges)).sum()
    assert mean_life(life) == pytest.approx(area, rel=1e-6)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.distribution)
def test_survival_never_rises_and_lies_between_none_and_all(life: Lifetime) -> None:
    left = left_at(life, np.linspace(0, 50, 501))
    assert (np.diff(left) <= 0).all() and left.min() >= 0 and left.max() <= 1


@pytest.mark.parametrize("life", LIVES[:8], ids=lambda life: life.distribution)
def test_a_stock_in_its_steady_state_stays_there(life: Lifetime) -> None:
    steady = 2.0 * mean_life(life)
    model = stock_model(
        range(2000, 2060), life, inflow=np.full(60, 2.0), entry="spread", initial=Initial(steady)
    )
    assert model.stock == pytest.approx(np.full(60, steady), rel=1e-6)


def test_hazards_multiply_up_to_a_survival_table() -> None:
    life = hazard_table([0.1, 0.5, 1.0])
    assert life.survival == pytest.approx((1, 0.9, 0.45, 0))
    model = stock_model([1, 2, 3, 4], life, inflow=[10, 0, 0, 0], entry="end")
    assert model.outflow == pytest.approx([0, 1, 4.5, 4.5])


def test_an_array_of_weibull_shapes_agrees_with_each_by_itself() -> None:
    both = left_at(Lifetime("weibull", 9.0, np.array([2.0, 3.5])), np.arange(20.0)[:, None])
    for at, shape in enumerate((2.0, 3.5)):
        assert both[:, at] == pytest.approx(left_at(Lifetime("weibull", 9.0, shape), np.arange(20.0)))


# ---- initial stocks ----


def test_an_initial_stock_of_known_ages_is_the_cohorts_that_entered_before() -> None:
    life, inflow = Lifetime("weibull", 8, 3.0), np.linspace(1, 4, 30)
    whole = stock_model(range(30), life, inflow=inflow)
    before = whole.cohorts()[9, :10]
    start = Initial(before, ages=9 - np.arange(10) + 0.5)
    later = stock_model(range(10, 30), life, inflow=inflow[10:], initial=start)
    assert later.stock == pytest.approx(whole.stock[10:], rel=1e-12)
    assert later.outflow == pytest.approx(whole.outflow[10:], rel=1e-12)


def test_an_initial_stock_of_one_age_leaves_as_it_grows_older() -> None:
    model = stock_model(
        [1, 2, 3], Lifetime("fixed", 5), inflow=[0, 0, 0], entry="end", initial=Initial(6.0, ages=3)
    )
    assert model.stock.tolist() == [6, 0, 0]
    assert model.outflow.tolist() == [0, 6, 0]


def test_an_age_that_nothing_reaches_is_refused() -> None:
    with pytest.raises(InputError, match="can be 9 years old: none lasts so long. Give the initial stock"):
        stock_model([1], Lifetime("fixed", 5), inflow=[0], initial=Initial(6.0, ages=9))


def test_things_that_stay_for_ever_are_stock_for_ever() -> None:
    model = stock_model([1, 2, 3], Lifetime("unlimited"), inflow=[1, 0, 0], initial=Initial(6.0))
    assert model.stock.tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("amount", "ages", "message"),
    [
        (-1.0, None, "an initial stock and its ages must not be negative"),
        (1.0, -3, "an initial stock and its ages must not be negative"),
        ([1.0, 2.0], [1, 2, 3], "there are 3 ages, but other amounts. Give one amount for each age"),
    ],
)
def test_an_initial_stock_that_cannot_be_is_refused(amount: object, ages: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Initial(amount, ages)


def test_a_table_that_keeps_some_has_no_steady_state() -> None:
    with pytest.raises(InputError, match="no steady state. Let the survival table end with 0"):
        stock_model([1], Lifetime("table", survival=(1, 0.5)), inflow=[0], initial=Initial(1.0))


# ---- conservation and inversion ----


def random_years(rng: np.random.Generator, even: bool) -> np.ndarray:
    return np.arange(2000.0, 2030) if even else 2000 + np.cumsum(rng.choice([0.25, 1.0, 5.0], 30))


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.distribution)
def test_flows_cohorts_and_stock_agree_to_rounding(life: Lifetime, even: bool, entry: str) -> None:
    rng = np.random.default_rng(5)
    years = random_years(rng, even)
    model = stock_model(
        years, life, inflow=rng.uniform(0, 9, 30), entry=entry, initial=Initial(20.0, ages=0.5)
    )
    assert model.gap() < 1e-13
    assert model.outflow.min() > -1e-12
    moved = ((model.inflow - model.outflow) * model.steps.lengths).sum()
    assert moved == pytest.approx(model.stock[-1] - 20.0, abs=1e-9)


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("by_cohort", [True, False])
@pytest.mark.parametrize("series", [(), (3,), (60, 2)])
def test_what_a_stock_asks_for_makes_that_stock(even: bool, by_cohort: bool, series: tuple[int, ...]) -> None:
    rng = np.random.default_rng(6)
    years = random_years(rng, even)
    shape = (30, *series) if by_cohort else series
    life = Lifetime("normal", rng.uniform(8, 12, shape), 2.0, by_cohort=by_cohort)
    inflow = rng.uniform(0, 9, (30, *series))
    made = stock_model(years, life, inflow=inflow)
    back = stock_model(years, life, stock=made.stock)
    assert back.inflow == pytest.approx(inflow, abs=1e-9)
    assert back.outflow == pytest.approx(made.outflow, abs=1e-9)
    assert back.gap((0,) * len(series)) < 1e-12


def test_many_years_of_own_lifetimes_go_by_fft_and_agree_with_one_by_one() -> None:
    rng = np.random.default_rng(7)
    inflow, mean = rng.uniform(0, 1, (200, 5)), rng.uniform(5, 40, 5)
    together = stock_model(range(200), Lifetime("weibull", mean, 3.0), inflow=inflow)
    for at in range(5):
        alone = stock_model(range(200), Lifetime("weibull", mean[at], 3.0), inflow=inflow[:, at])
        assert together.stock[:, at] == pytest.approx(alone.stock, rel=1e-12)
    back = stock_model(range(200), Lifetime("weibull", mean, 3.0), stock=together.stock)
    assert back.inflow == pytest.approx(inflow, abs=1e-11)


def test_a_lifetime_by_cohort_that_does_not_change_is_a_plain_one() -> None:
    inflow = np.linspace(1, 2, 30)
    plain = stock_model(range(30), Lifetime("gamma", 9.0, 3.0), inflow=inflow)
    by_cohort = stock_model(
        range(30), Lifetime("gamma", np.full(30, 9.0), 3.0, by_cohort=True), inflow=inflow
    )
    assert by_cohort.stock == pytest.approx(plain.stock, rel=1e-13)


def test_five_year_steps_count_the_inflow_of_every_year() -> None:
    years = np.arange(2005, 2051, 5)
    model = stock_model(years, Lifetime("normal", 30, 8), stock=np.linspace(100, 300, 10))
    assert model.cohorts().sum(axis=1) == pytest.approx(model.stock, rel=1e-13)
    assert model.steps.lengths.tolist() == [5.0] * 10
    assert model.inflow[0] * 5 > 100


# ---- a stock that falls fast ----

FALLING = np.array([10.0, 10, 10, 1, 1, 10])


def falling(early: bool) -> Stocks:
    return stock_model(range(2001, 2007), Lifetime("normal", 10, 2), stock=FALLING, early=early)


def test_a_stock_that_falls_faster_than_things_leave_is_an_error() -> None:
    with pytest.raises(
        InputError, match="at the end of 2004 would need an inflow of -8.99.* per year. It falls faster"
    ):
        falling(early=False)


def test_the_error_names_the_series() -> None:
    with pytest.raises(InputError, match="at the end of 2004 in series 1 would need"):
        stock_model(
            range(2001, 2007), Lifetime("normal", 10, 2), stock=np.column_stack([np.full(6, 10.0), FALLING])
        )


def test_the_excess_may_leave_early_and_all_still_agrees() -> None:
    model = falling(early=True)
    assert model.stock == pytest.approx(FALLING)
    assert model.inflow.min() == 0
    assert model.kept[3] < 0.2 and model.kept[2] == 1
    assert model.outflow[3] == pytest.approx(9)
    assert model.gap() < 1e-13


def test_leaving_early_changes_nothing_where_nothing_must() -> None:
    rising = np.linspace(1, 9, 20)
    plain, early = (
        stock_model(range(20), Lifetime("weibull", 5, 2.0), stock=rising, early=e) for e in (False, True)
    )
    assert early.inflow == pytest.approx(plain.inflow, rel=1e-12)


def test_a_life_shorter_than_a_step_holds_no_stock() -> None:
    with pytest.raises(InputError, match="nothing that enters lasts to the end of its step"):
        stock_model([5, 10], Lifetime("fixed", 2), stock=[1, 1], entry="start")


# ---- what is named, and what is refused ----


def test_the_table_names_entry_length_and_lifetime() -> None:
    table = stock_model(
        [2020, 2025], Lifetime("weibull", 9, 3.5), inflow=[1, 2], entry="spread", first=1
    ).table()
    assert table["entry"].tolist() == ["spread", "spread"]
    assert table["length"].tolist() == [1, 5]
    assert table["lifetime"][0] == "weibull (9, 3.5)"
    assert "spread" in repr(stock_model([1], LIVES[0], inflow=[1], entry="spread"))


@pytest.mark.parametrize(
    ("life", "said"),
    [
        (LIVES[0], "fixed (5)"),
        (LIVES[7], "table of 5 ages"),
        (LIVES[8], "unlimited"),
        (Lifetime("normal", np.array([5.0, 9]), 2, by_cohort=True), "normal (5 to 9, 2) by cohort"),
    ],
)
def test_a_lifetime_is_said_in_words(life: Lifetime, said: str) -> None:
    assert str(life) == said


def test_several_series_make_no_table() -> None:
    with pytest.raises(InputError, match="several series. Read its arrays"):
        stock_model([1], LIVES[0], inflow=[[1, 2]]).table()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"distribution": "beta", "mean": 5}, "no lifetime distribution `beta`. Known: fixed, normal"),
        ({"distribution": "fixed", "mean": 0}, "`fixed` needs a mean life in years above 0. State it."),
        ({"distribution": "fixed"}, "`fixed` needs a mean life in years above 0"),
        ({"distribution": "normal", "mean": 5}, "`normal` needs a standard deviation in years above 0"),
        ({"distribution": "weibull", "mean": 5, "shape": -1}, "`weibull` needs a shape above 0"),
        ({"distribution": "table", "survival": (1, 0.5, 0.6)}, "no share that falls with age. It begins"),
        ({"distribution": "table"}, "no share that falls with age"),
    ],
)
def test_a_lifetime_that_cannot_be_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Lifetime(**arguments)  # type: ignore[arg-type]


def test_hazards_are_shares() -> None:
    with pytest.raises(InputError, match="a hazard table holds shares from 0 to 1"):
        hazard_table([0.5, 1.5])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs `inflow` or `stock`, one of them"),
        ({"inflow": [1, 2], "stock": [1, 2]}, "needs `inflow` or `stock`, one of them"),
        ({"inflow": [1]}, "there are 2 steps, but 1 values, or some are missing. Give one for each step."),
        ({"inflow": 3}, "there are 2 steps, but one value"),
        ({"inflow": [1, np.nan]}, "or some are missing"),
        ({"inflow": [1, -2]}, "inflow must not be negative"),
        ({"stock": [1, -2]}, "stock must not be negative"),
        ({"inflow": [1, 2], "entry": "noon"}, "enter at `noon`. Known: start, middle, end, spread."),
        ({"inflow": [1, 2], "years": [2, 1]}, "must ascend. Give each year once, earliest first."),
        (
            {"inflow": [1, 2], "lifetime": Lifetime("fixed", [5, 5, 5], by_cohort=True)},
            r"a lifetime of shape \(3,\) does not fit the steps and series, \(2,\). Give one number",
        ),
        (
            {"inflow": [[1, 2], [3, 4]], "lifetime": Lifetime("fixed", [5, 5, 5])},
            r"a lifetime of shape \(3,\) does not fit the series, \(2,\)",
        ),
    ],
)
def test_a_model_that_cannot_be_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        stock_model(**{"years": [1, 2], "lifetime": LIVES[0], **arguments})  # type: ignore[arg-type]


def test_steps_are_as_long_as_the_time_between_their_years() -> None:
    assert Steps.ending([2020, 2021, 2025]).lengths.tolist() == [1, 1, 4]
    assert Steps.ending([2025, 2030]).lengths.tolist() == [5, 5]
    assert Steps.ending([2025]).lengths.tolist() == [1]
    assert not Steps.ending([2020, 2021, 2025]).even


# ---- beside a peer ----


@pytest.mark.parametrize("entry", ["start", "middle", "end"])
def test_flodym_computes_the_same(entry: str) -> None:
    flodym = pytest.importorskip("flodym")
    years = list(range(2000, 2040))
    time = flodym.Dimension(name="Time", letter="t", items=years, dtype=int)
    dims = flodym.DimensionSet(dim_list=[time])
    inflow = np.random.default_rng(3).uniform(0, 5, 40)
    peer = flodym.InflowDrivenDSM(
        dims=dims,
        name="stock",
        time_letter="t",
        lifetime_model=flodym.WeibullLifetime(
            dims=dims, time_letter="t", weibull_scale=10.0, weibull_shape=2.5, inflow_at=entry
        ),
    )
    peer.inflow.values[...] = inflow
    peer.compute()
    life = Lifetime("weibull", 10.0 * gamma(1 + 1 / 2.5), 2.5)
    mine = stock_model(years, life, inflow=inflow, entry=entry)
    assert mine.stock == pytest.approx(peer.stock.values, rel=1e-10)
