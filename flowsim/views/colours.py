"""Colours of every picture. Told apart with the common kinds of colour blindness, and never alone: charts add
marks and dashes, Sankey pictures add names."""

from __future__ import annotations

CLASSES = {
    "product": "#3f72af", "raw_material": "#9a7b4f", "mineral": "#7a5230", "biomass": "#8aa62f",
    "fuel": "#4a4a4a", "by_product": "#35a79c", "recyclable": "#2e8b57", "solid_waste": "#c8963e",
    "hazardous_waste": "#a23b72", "municipal_waste": "#8f7a1e", "construction_waste": "#c2a878",
    "agricultural_waste": "#a9b052", "wastewater": "#8d7fb5", "emission": "#8c8c8c", "air": "#b9c6d2",
    "fresh_water": "#58b4e5", "process_water": "#1f8fc4", "circulating_water": "#a4d8ec",
    "reclaimed_water": "#0aa08f", "sea_water": "#0b6fae", "vapour": "#b3c5cf", "power": "#e3b505",
    "heat": "#e0703a",
}  # fmt: skip
"""Colour of each class of goods."""
BARS = {"process": "#33415c", "recovery": "#1d7a5a", "pool": "#9aa5b4", "outside": "#6f6f6f"}
"""Colour of bars; ``recovery`` stands for processes that collect, utilise, treat or dispose of."""
RETURN, MORE, LESS, SYMBIOSIS = "#c8102e", "#2166ac", "#d9730d", "#0b3d2e"

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5b3a8c", "#7f7f7f")
"""Series of a chart in turn, after Okabe and Ito (2008), Color Universal Design; yellow, which is lost on
white, gave way to violet."""
GOOD, BAD, OPEN, TOTAL = "#00795c", "#c44601", "#8c8c8c", "#33415c"
"""A target met, one missed, one that cannot be judged; a value that others add up to."""
