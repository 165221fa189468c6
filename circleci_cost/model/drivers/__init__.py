"""Why the cost of a period has changed: an exact decomposition."""
