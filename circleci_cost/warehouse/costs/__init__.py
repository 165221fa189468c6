"""Prices, job runs and their product: `pricing_periods`, `usage_days`, `daily_costs`."""
