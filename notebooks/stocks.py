# %% [markdown]
# # What is sold today comes back
#
# Batteries leave use when their life is over, as a distribution over the years. Two kinds of packs, a
# second life and
# a recycling loop; three variants of how the world could go.

# %%
import flowsim as fs
from flowsim.views.charts import years

scenario = fs.example("battery_stocks")
names = list(scenario.variant_names)
simulations = [fs.simulate(scenario.with_variant(name), years=range(2020, 2051)) for name in names]
simulations[0]

# %% [markdown]
# ## What stands in use
# A longer life lets stocks grow further before anything comes back.

# %%
years(simulations)

# %% [markdown]
# ## What takes the place of bought nickel

# %%
years(simulations, part=["ni_recycled"], whole=["ni_recycled", "ni_bought"])

# %% [markdown]
# ## The year in which recycling reaches a tenth, a third, a half

# %%
shares = [made.ratio(["ni_recycled"], ["ni_recycled", "ni_bought"]) for made in simulations]
reached = [made.passes(share) for made, share in zip(simulations, shares, strict=True)]
dict(zip(names, reached, strict=True))

# %% [markdown]
# ## The books close
# Over all years what entered the system, less what left it, is what its stores gained.

# %%
assert all((made.checks["share"].abs() < 1e-9).all() for made in simulations)
assert reached[names.index("long_life")][0.5] > reached[names.index("as_assumed")][0.5]
assert reached[names.index("high_collection")][0.5] <= reached[names.index("as_assumed")][0.5]
