"""Forecasts of the cost of coming days, with intervals, from the past of the series."""
