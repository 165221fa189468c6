"""The page about the data: how fresh and complete they are, at which prices, what changed in them and what failed."""
