-- The job runs of some days of one cost center, priced by DuckDB, become its daily costs.
WITH job_runs AS (
    SELECT * REPLACE ({schema.named_columns})
    FROM (
        {schema.job_runs_of_files}
    )
),

rates AS (
    SELECT date, price_per_credit
    FROM daily_rates
    WHERE cost_center = $cost_center
),

priced AS (
    {sql.costs/priced_job_runs}
)

{sql.costs/named_costs}
