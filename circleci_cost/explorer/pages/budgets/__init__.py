"""The page of the budgets: all of them in one table, and one of them day by day."""
