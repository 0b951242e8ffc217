# %% [markdown]
# # Data that disagree
#
# Measured numbers never balance. Here seven flows have two measurements more than needed and an uncertain
# transfer
# coefficient: the smallest useful case, published by Cencic (2016) with its answer.

# %%
import flowsim as fs

system = fs.assemble(fs.example("seven_flows"))
answer = fs.reconcile(system)
answer

# %% [markdown]
# ## Each datum before and after
# `change` is in standard uncertainties: how far a number had to move so that every balance holds.

# %%
answer.data[["id", "before", "sd_before", "after", "sd_after", "change", "class"]]

# %% [markdown]
# ## What the data say of every flow
# Two flows are tied to each other only: no measurement tells them apart, so none is guessed.

# %%
answer.values[["id", "class", "value", "sd", "low", "high"]]

# %% [markdown]
# ## What to measure next
# The measurements that would tell most about a flow that stays open.

# %%
fs.next_measurements(answer, "f6").head()

# %% [markdown]
# ## The published answer
# Flow 1 and flow 3 of the source, to its digits; the uncertainty of what is redundant never grows.

# %%
after = answer.data.set_index("id")["after"]
assert answer.test["passed"] and answer.test["dof"] == 2
assert (round(after["f1"], 1), round(after["f3"], 1)) == (102.4, 302.4)
assert (answer.data["sd_after"] <= answer.data["sd_before"] * (1 + 1e-9)).all()
assert set(answer.values.set_index("id").loc[["f6", "f7"], "class"]) == {"unobservable"}
