# %% [markdown]
# # The nickel-cobalt-lithium loop in ten minutes
#
# A scenario is read, assembled into labelled rows, balanced, and compared. Every number can be traced to the
# file and line that it comes from.

# %%
from pathlib import Path

import flowsim as fs

scenarios = Path(__file__).parents[1] / "scenarios" if "__file__" in globals() else Path("../scenarios")
file = scenarios / "nickel_loop.yaml"

# %% [markdown]
# ## What was said, and what it becomes
# A variant states only what differs from its base; each difference is logged.

# %%
scenario = fs.read(file, "symbiosis")
[(change.path, change.old, change.new) for change in scenario.differences]

# %%
system = fs.assemble(scenario)
print(*system.text().splitlines()[:5], sep="\n")

# %% [markdown]
# ## The balance
# Facts leave choices here (who supplies, where waste goes), so the merit order decides them.

# %%
result = fs.balance(system)
result

# %%
result.processes[["id", "activity", "capacity", "load"]]

# %% [markdown]
# ## Indicators, and what explains their change

# %%
planned = fs.balance(fs.assemble(fs.read(file, "as_planned")))
comparison = fs.compare([planned, result], targets="qinzhou_2025")
comparison.table[["id", "unit", "as_planned", "symbiosis"]]

# %%
at = [value.indicator.id for value in comparison.values[0]].index("cn.isw_utilisation_rate")
[(part.en, round(part.contribution, 2)) for part in comparison.parts[1][at]]

# %% [markdown]
# ## Where a number comes from

# %%
fs.trace(result, "slag_to_landao").drivers

# %% [markdown]
# ## The answer holds together
# The balance closes, and the parts of the change add up to it.

# %%
share, _ = result.largest_residual
change = comparison.values[1][at].value - comparison.values[0][at].value
assert share < 1e-9
assert abs(sum(part.contribution for part in comparison.parts[1][at]) - change) < 1e-9
assert round(comparison.values[1][at].value, 1) == 73.5
