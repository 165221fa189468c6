-- What a generation covers and adds up to. Data reach as far as the cost center that is furthest behind.
SELECT
    (SELECT min(date) FROM usage_days) AS data_from,
    (SELECT min(through) FROM (SELECT max(date) FILTER (WHERE complete) AS through FROM usage_days GROUP BY cost_center)) AS data_through,
    coalesce(sum(credits), 0) AS credits,
    coalesce(sum(credits) FILTER (WHERE price_per_credit IS NULL), 0) AS unpriced_credits,
    coalesce(sum(cost_usd), 0) AS cost_usd
FROM daily_costs;
