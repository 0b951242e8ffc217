# %% [markdown]
# # Forest, pulp, paper and board
#
# A kraft mill that burns its black liquor, board machines, wood-based panels and furniture.

# %%
import flowsim as fs
from flowsim.views.charts import bars, waterfall

scenario = fs.example("forest_pulp_paper")
scenario

# %% [markdown]
# ## As planned, and with its loop closed
# The balance of each variant; the Sankey picture draws what returns below the others.

# %%
results = [fs.balance(fs.assemble(scenario.with_variant(name))) for name in ("as_planned", "recycled_fibre")]
results[1]

# %% [markdown]
# ## Side by side, and against the targets of the plan

# %%
comparison = fs.compare(results)
comparison.table[["id", "unit", "as_planned", "recycled_fibre"]]

# %%
bars(comparison)

# %% [markdown]
# ## What makes the change
# Recovered paper and wood take the place of bought pulp; what cannot be recycled must go somewhere.

# %%
waterfall(comparison, "general.recycled_input_rate")

# %% [markdown]
# ## The answer holds together
# Every balance closes, and the bars of the waterfall add up to the change.

# %%
share = max(result.largest_residual[0] for result in results)
at = [value.indicator.id for value in comparison.values[0]].index("general.recycled_input_rate")
before, after = (values[at].value for values in comparison.values)
assert share < 1e-9
assert abs(sum(part.contribution for part in comparison.parts[1][at]) - (after - before)) < 1e-9 * abs(before)
assert after > before
