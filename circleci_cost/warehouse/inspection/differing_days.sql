-- The days of one cost center whose job runs, added up as daily costs are, are other rows than its daily costs. Days that
-- an earlier version computed are left out: it knew fewer dimensions.
WITH job_runs AS (
    SELECT * REPLACE ({schema.named_columns})
    FROM (
        {schema.job_runs_of_files}
    )
),

rates AS (SELECT CAST(NULL AS DATE) AS date, CAST(NULL AS DECIMAL(18, 10)) AS price_per_credit WHERE false),

priced AS (
    {sql.costs/priced_job_runs}
),

days AS (
    SELECT date
    FROM daily_costs
    WHERE cost_center = $cost_center AND list_contains($days, date)
    GROUP BY date
    HAVING bool_and(credits_squared IS NOT NULL)
),

of_job_runs AS (
    SELECT date, {schema.read_dimensions}, unregistered, jobs, runs, run_seconds, credits, {schema.names_of_credits}
    FROM priced
    SEMI JOIN days USING (date)
),

of_costs AS (
    SELECT date, {schema.read_dimensions}, unregistered, jobs, runs, run_seconds, credits, {schema.names_of_credits}
    FROM daily_costs
    SEMI JOIN days USING (date)
    WHERE cost_center = $cost_center
)

SELECT DISTINCT date
FROM ((FROM of_job_runs EXCEPT ALL FROM of_costs) UNION ALL (FROM of_costs EXCEPT ALL FROM of_job_runs))
ORDER BY date;
