# %% [markdown]
# # Construction waste and the materials that take up wastes
#
# Wastes of power, lithium and manganese plants and of demolition, and the building materials that use them.

# %%
import flowsim as fs
from flowsim.views.charts import bars, waterfall

scenario = fs.example("construction_waste")
scenario

# %% [markdown]
# ## As planned, and with its loop closed
# The balance of each variant; the Sankey picture draws what returns below the others.

# %%
results = [fs.balance(fs.assemble(scenario.with_variant(name))) for name in ("as_planned", "cdw_loop")]
results[1]

# %% [markdown]
# ## Side by side, and against the targets of the plan

# %%
comparison = fs.compare(results)
comparison.table[["id", "unit", "as_planned", "cdw_loop"]]

# %%
bars(comparison)

# %% [markdown]
# ## What makes the change
# Sorted rubble replaces gravel; what is too light or too dirty is still landfilled.

# %%
waterfall(comparison, "general.solid_waste_landfilled")

# %% [markdown]
# ## The answer holds together
# Every balance closes, and the bars of the waterfall add up to the change.

# %%
share = max(result.largest_residual[0] for result in results)
at = [value.indicator.id for value in comparison.values[0]].index("general.solid_waste_landfilled")
before, after = (values[at].value for values in comparison.values)
assert share < 1e-9
assert abs(sum(part.contribution for part in comparison.parts[1][at]) - (after - before)) < 1e-9 * abs(before)
assert after < before
