# %% [markdown]
# # A first walk in ten minutes
#
# One smelter and what becomes of its copper: five flows, one amount, two shares. A scenario says what there
# is; flowsim works out the rest and
# says where every number comes from. Change a line of the text below and run the cells again.

# %%
import tempfile
from pathlib import Path

import flowsim as fs

text = """
flowsim: 1
name: {en: Copper smelter, zh: 铜冶炼厂}
year: 2025
goods:
  concentrate: {name: {en: copper concentrate, zh: 铜精矿}, class: mineral}
  scrap: {name: {en: copper scrap, zh: 废铜}, class: recyclable}
  copper: {name: {en: copper, zh: 铜}}
  slag: {name: {en: slag, zh: 炉渣}, class: solid_waste, fate: landfill}
processes:
  smelter: {name: {en: smelter, zh: 冶炼厂}}
  use: {name: {en: use, zh: 使用}, kind: use}
flows:
  - {good: concentrate, from: market, to: smelter}
  - {id: scrap_back, good: scrap, from: use, to: smelter}
  - {id: scrap_lost, good: scrap, from: use, to: landfill}
  - {id: copper_sold, good: copper, from: smelter, to: use, amount: 100 kt/a, source: annual report}
  - {id: slag_dumped, good: slag, from: smelter, to: landfill}
facts:
  - {transfer: copper, at: smelter, value: 40 %}
  - {share: scrap, at: smelter, into: true, of: all, value: 30 %}
"""
file = Path(tempfile.mkdtemp()) / "smelter.yaml"
_ = file.write_text(text, encoding="utf-8")

# %% [markdown]
# ## What was said
# Units are checked when the file is read; a misspelt name or a missing unit is named with its line.

# %%
scenario = fs.read(file)
scenario

# %% [markdown]
# ## What it becomes
# Every statement is one row of a sparse linear system, and every row can be read.

# %%
system = fs.assemble(scenario)
print(system.text())

# %% [markdown]
# ## The balance
# 100 kt of copper are 40 % of what enters, so 250 kt enter. 30 % of that is scrap, 75 kt of the 100 kt that
# are used;
# 25 kt are lost. What does not leave the smelter as copper is slag.

# %%
result = fs.balance(system)
result

# %% [markdown]
# ## In Chinese

# %%
fs.show(result, lang="zh")

# %% [markdown]
# ## Where a number comes from
# The slag hangs on the copper that is sold and on the yield, each with its file and line.

# %%
fs.trace(result, "slag_dumped").drivers

# %% [markdown]
# ## The answer holds together

# %%
share, _ = result.largest_residual
amounts = dict(zip(system.flows["id"], result.amounts, strict=True))
assert share < 1e-9
assert round(amounts["slag_dumped"]) == 150_000
assert (round(amounts["scrap_back"]), round(amounts["scrap_lost"])) == (75_000, 25_000)
