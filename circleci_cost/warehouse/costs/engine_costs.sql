-- The rows that another engine priced, `engine_rows`, become daily costs. It knows names only as they were exported:
-- rows whose names are the same in another form are one, and their sums stay exact.
WITH priced AS (
    SELECT
        date,
        {schema.named_dimensions},
        unregistered,
        sum(jobs) AS jobs,
        sum(runs) AS runs,
        sum(run_seconds) AS run_seconds,
        sum(COLUMNS('(.*_credits)$')) AS '\1',
        sum(credits) AS credits,
        sum(credits_squared) AS credits_squared,
        price_per_credit,
        -- A sum leaves out what is NULL: a cost that is missing stays missing.
        CASE WHEN count(COLUMNS('(.*cost_usd)$')) = count(price_per_credit) THEN sum(COLUMNS('(.*cost_usd)$')) END AS '\1'
    FROM engine_rows
    GROUP BY ALL
)

{sql.costs/named_costs}
