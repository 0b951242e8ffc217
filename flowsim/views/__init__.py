"""Views: results as tables for a terminal, and later as pictures."""
