"""Why the cost of a period has changed, taken apart exactly."""
