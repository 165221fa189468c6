-- The days whose job runs do not come to the published costs, to the last digit of every row.
CREATE OR REPLACE TEMPORARY TABLE run_days_changed AS
WITH both_sides AS (
    SELECT
        date,
        cost_center,
        {schema.read_dimensions},
        unregistered,
        sum(jobs) AS jobs,
        sum(runs) AS runs,
        sum(run_seconds) AS run_seconds,
        sum(COLUMNS('(.*_credits)$')) AS '\1',
        sum(credits) AS credits,
        1 AS side
    FROM run_parts
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT
        date,
        cost_center,
        {schema.read_dimensions},
        unregistered,
        jobs,
        runs,
        run_seconds,
        COLUMNS('_credits$'),
        credits,
        -1 AS side
    FROM daily_costs
    SEMI JOIN run_days USING (date)
),

unequal AS (
    SELECT
        * EXCLUDE (side),
        sum(side) AS balance
    FROM both_sides
    GROUP BY ALL
    HAVING balance <> 0
)

SELECT DISTINCT date, cost_center
FROM unequal;
