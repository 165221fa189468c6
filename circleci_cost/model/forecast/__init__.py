"""What the coming days will cost, with intervals, from the past of the series."""
