-- The days and costs of each source and provider; a spread charge may make the last day a coming one.
SELECT
    source,
    provider,
    count(DISTINCT date) AS days,
    min(date) AS first_date,
    max(date) AS last_date,
    count(DISTINCT service) AS services,
    sum(cost_usd) AS cost_usd
FROM infrastructure_costs
GROUP BY source, provider
ORDER BY source, provider;
