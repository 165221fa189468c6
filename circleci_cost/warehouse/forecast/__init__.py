"""The daily series of budgets and of the whole, and `cost_forecast` made from them."""
