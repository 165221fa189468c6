-- What each service cost in USD in some days, by period.
SELECT
    CASE $granularity
        WHEN 'day' THEN date
        WHEN 'week' THEN CAST(date_trunc('week', date) AS DATE)
        WHEN 'month' THEN CAST(date_trunc('month', date) AS DATE)
    END AS period,
    source,
    provider,
    service,
    sum(cost_usd) AS cost
FROM infrastructure_costs
WHERE date BETWEEN $first AND $last
GROUP BY ALL
ORDER BY period, cost DESC, source, provider, service;
