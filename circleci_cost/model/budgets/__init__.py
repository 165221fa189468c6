"""Budgets: amounts, what was spent of them, and the probability of an overrun."""
