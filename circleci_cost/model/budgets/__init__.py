"""Budgets: what may be spent, what was, and how likely it will not be enough."""
