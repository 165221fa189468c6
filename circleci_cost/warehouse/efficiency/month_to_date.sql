-- What the days up to $through of the month that ends on $until have cost.
SELECT coalesce(sum(cost_usd), 0) AS cost_usd
FROM daily_costs
WHERE date BETWEEN date_trunc('month', CAST($until AS DATE)) AND $through;
