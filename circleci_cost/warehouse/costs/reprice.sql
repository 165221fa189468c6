-- The rows of $days at today's prices, as `priced_job_runs.sql` prices sums of job runs; a day without a price has no
-- cost.
WITH rates AS (
    SELECT days.date, daily_rates.price_per_credit
    FROM (SELECT unnest($days) AS date) AS days
    LEFT JOIN daily_rates
        ON daily_rates.cost_center = $cost_center
        AND days.date = daily_rates.date
)

UPDATE daily_costs
SET
    price_per_credit = rates.price_per_credit,
    {schema.repriced_costs},
    cost_usd = TRY_CAST(daily_costs.credits AS DECIMAL(19, 6)) * rates.price_per_credit
FROM rates
WHERE daily_costs.cost_center = $cost_center
    AND daily_costs.date = rates.date;
