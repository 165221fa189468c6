-- The known days of a cost center: costs, and which of the credits lots with and without a price paid for.
WITH costs AS (
    SELECT
        date,
        sum(credits) AS credits,
        {schema.unpriced_credits},
        max(price_per_credit) AS price_per_credit,
        sum(cost_usd) AS cost_usd,
        sum(user_credits) AS user_credits,
        sum(user_cost_usd) AS user_cost_usd,
        sum(storage_cost_usd) AS storage_cost_usd,
        sum(network_cost_usd) AS network_cost_usd
    FROM daily_costs
    WHERE cost_center = $cost_center
    GROUP BY date
),

paid AS (
    SELECT
        date,
        sum(used_credits) FILTER (WHERE bought_usd > 0) AS paid_credits,
        sum(used_usd) AS paid_usd,
        sum(used_credits) FILTER (WHERE bought_usd = 0) AS free_credits
    FROM credit_lots
    WHERE cost_center = $cost_center
    GROUP BY date
)

SELECT
    usage_days.date,
    coalesce(costs.credits, 0) AS credits,
    coalesce(costs.unpriced_credits, 0) AS unpriced_credits,
    costs.price_per_credit,
    coalesce(costs.cost_usd, 0) AS cost_usd,
    coalesce(costs.user_credits, 0) AS user_credits,
    coalesce(costs.user_cost_usd, 0) AS user_cost_usd,
    coalesce(costs.storage_cost_usd, 0) AS storage_cost_usd,
    coalesce(costs.network_cost_usd, 0) AS network_cost_usd,
    coalesce(paid.paid_credits, 0) AS paid_credits,
    coalesce(paid.paid_usd, 0) AS paid_usd,
    coalesce(paid.free_credits, 0) AS free_credits
FROM usage_days
LEFT JOIN costs USING (date)
LEFT JOIN paid USING (date)
WHERE usage_days.cost_center = $cost_center
ORDER BY usage_days.date;
