"""`budget_status`: made from costs and forecasts, and read."""
