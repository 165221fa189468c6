-- Those of $days that have another price now, and whose costs were computed by $rules of the files that they still have,
-- $checksums.
WITH files AS (
    SELECT unnest($days) AS date, unnest($checksums) AS job_runs_sha256
),

at_former_prices AS (
    SELECT DISTINCT costs.date
    FROM daily_costs AS costs
    LEFT JOIN daily_rates AS rates
        ON costs.cost_center = rates.cost_center
        AND costs.date = rates.date
    WHERE costs.cost_center = $cost_center
        AND costs.price_per_credit IS DISTINCT FROM rates.price_per_credit
)

SELECT usage_days.date
FROM usage_days
JOIN files
    ON usage_days.date = files.date
    AND usage_days.job_runs_sha256 = files.job_runs_sha256
SEMI JOIN at_former_prices ON usage_days.date = at_former_prices.date
WHERE usage_days.cost_center = $cost_center
    AND usage_days.computed_by = $rules;
