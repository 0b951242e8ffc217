"""Symbiosis: which exchanges to open, what they bring to whom, and what happens when a partner is lost."""
