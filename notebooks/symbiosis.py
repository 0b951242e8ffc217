# %% [markdown]
# # Which exchanges are worth having
#
# A scenario may hold candidate links, closed by default. `optimise` says which to open for the best of one
# goal,
# `pareto` what one goal costs in terms of another; both are proven optima, balanced again by the ordinary
# path.

# %%
import numpy as np

import flowsim as fs
from flowsim.views.charts import front

scenario = fs.example("nickel_loop")
best = fs.optimise(scenario, objective="waste")
{"before": best.before, "after": best.after, "bound": best.bound}

# %% [markdown]
# ## What is opened, and how much flows over it, in the unit of the good per year

# %%
{name: amount for name, amount in zip(best.case.links, best.amounts, strict=True) if amount > 0}

# %% [markdown]
# ## The park as it stands, and with the chosen links

# %%
fs.compare([best.base, best.result])

# %% [markdown]
# ## Cost against waste
# Each point is the best in one goal for what it has in the other; none is beaten in both.

# %%
made = fs.pareto(scenario, ["cost", "waste"], points=5)
points = np.array([(point.first, point.second) for point in made.points])
cost = {"en": "cost", "zh": "成本", "unit": "CNY/a"}
waste = {"en": "waste", "zh": "废物", "unit": "t/a"}
front(points, cost, waste, others=[made.base])

# %% [markdown]
# ## The answer is an optimum
# What the balanced variant has is what the programme proved, and along the front more of one is less of the
# other.

# %%
ordered = points[np.argsort(points[:, 0])]
assert best.after <= best.before
assert abs(best.after - best.bound) <= 1e-6 * abs(best.before)
assert (np.diff(ordered[:, 1]) <= 1e-6 * np.abs(ordered[:-1, 1])).all()
