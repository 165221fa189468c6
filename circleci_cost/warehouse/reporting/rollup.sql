-- The daily sums of the rows of some periods that a filter lets through, by the columns in {groups}, each with its comma:
-- one scan for all questions about them. {view} is one of the views of `core.cost_rows`, {where} and {days} are
-- conditions whose values are parameters. The columns are those that `report.sql` adds up.
CREATE OR REPLACE TEMPORARY TABLE rollup AS
SELECT
    date,
    '' AS tag,
    {groups}
    CASE WHEN price_per_credit IS NOT NULL THEN 0 END AS price_per_credit,
    sum(credits) AS credits,
    sum(cost_usd) AS cost_usd,
    CAST(sum(jobs) AS BIGINT) AS jobs,
    CAST(sum(runs) AS BIGINT) AS runs,
    CAST(sum(run_seconds) AS BIGINT) AS run_seconds
FROM {view}
WHERE tag = $tag
    AND ({days})
    AND ({where})
    AND ({holds})
GROUP BY ALL;
