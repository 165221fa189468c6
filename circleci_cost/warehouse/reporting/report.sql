-- Exact sums of some days by the columns in {by}, each with its comma. {view} is one of the views of `core.cost_rows`,
-- {where} a condition whose values are parameters.
SELECT
    CASE $granularity
        WHEN 'day' THEN date
        WHEN 'week' THEN CAST(date_trunc('week', date) AS DATE)
        WHEN 'month' THEN CAST(date_trunc('month', date) AS DATE)
    END AS period,
    {by}
    {schema.amounts}
FROM {view}
WHERE tag = $tag
    AND date BETWEEN $first AND $last
    AND ({where})
    -- A split leaves rows that hold only counts; a part may have a cost although its credits round to 0.
    AND (credits <> 0 OR coalesce(cost_usd, 0) <> 0 OR ($counted AND jobs <> 0))
GROUP BY ALL;
