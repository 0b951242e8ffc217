# %% [markdown]
# # One drop of oil, two fibres
#
# Refining, cracking, chlor-alkali, polyester and polyamide with their utilities at the port of Qinzhou.

# %%
import flowsim as fs
from flowsim.views.charts import bars, waterfall

scenario = fs.example("oil_fibre")
scenario

# %% [markdown]
# ## As planned, and with its loop closed
# The balance of each variant; the Sankey picture draws what returns below the others.

# %%
results = [fs.balance(fs.assemble(scenario.with_variant(name))) for name in ("as_planned", "symbiosis")]
results[1]

# %% [markdown]
# ## Side by side, and against the targets of the plan

# %%
comparison = fs.compare(results)
comparison.table[["id", "unit", "as_planned", "symbiosis"]]

# %%
bars(comparison)

# %% [markdown]
# ## What makes the change
# Waste hydrogen, heat and carbon dioxide find users inside of the park; less fossil carbon leaves it.

# %%
waterfall(comparison, "general.co2")

# %% [markdown]
# ## The answer holds together
# Every balance closes, and the bars of the waterfall add up to the change.

# %%
share = max(result.largest_residual[0] for result in results)
at = [value.indicator.id for value in comparison.values[0]].index("general.co2")
before, after = (values[at].value for values in comparison.values)
assert share < 1e-9
assert abs(sum(part.contribution for part in comparison.parts[1][at]) - (after - before)) < 1e-9 * abs(before)
assert after < before
