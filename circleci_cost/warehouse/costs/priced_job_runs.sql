-- Job runs added up to daily costs and priced at each day's one rate: the one statement for DuckDB and for Spark. Only
-- what both read alike is in it; names, days and superseded runs are left to DuckDB, in the statements around this one.
-- Reads: job_runs of one cost center, and its rates. Credits are added before they are multiplied: one day has one
-- price, so the product of the sum is exact. No engine rounds DECIMAL(19, 6) × DECIMAL(18, 10); a sum that does not fit
-- has no cost, and is refused afterwards.
SELECT
    summed.*,
    rates.price_per_credit,
    {schema.costs_of_credits},
    TRY_CAST(summed.credits AS DECIMAL(19, 6)) * rates.price_per_credit AS cost_usd
FROM (
    SELECT
        job_run_date AS date,
        {schema.exported_dimensions},
        is_unregistered_user AS unregistered,
        count(*) AS jobs,
        count(job_run_stopped_at) AS runs,
        coalesce(sum(CAST(job_run_seconds AS DECIMAL(19, 0))), 0) AS run_seconds,
        {schema.sums_of_credits},
        sum(total_credits) AS credits,
        -- Shows how much a sum varies only because single runs differ; precise to 0.01 credits, which is enough.
        sum(of_run * of_run) AS credits_squared
    FROM (
        SELECT
            *,
            -- The credits of the run itself: seats and the like are booked on some job's row.
            CAST(total_credits - {schema.booked_credits} AS DECIMAL(20, 2)) AS of_run
        FROM job_runs
    ) AS runs
    GROUP BY job_run_date, {schema.exported_columns}, is_unregistered_user
) AS summed
LEFT JOIN rates ON summed.date = rates.date
