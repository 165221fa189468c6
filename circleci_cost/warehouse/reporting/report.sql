-- Exact sums of some days by the columns in {groups}, the largest groups first and the others added up, and the total.
-- {view} is one of the views of `core.cost_rows` or a rollup, {where} and {holds} are conditions. The groups are
-- renamed to {names}; both lists, {shown} and {none} have a comma after each item. {order} ends with the names.
WITH sums AS MATERIALIZED (
    SELECT
        CASE $granularity
            WHEN 'day' THEN date
            WHEN 'week' THEN CAST(date_trunc('week', date) AS DATE)
            WHEN 'month' THEN CAST(date_trunc('month', date) AS DATE)
        END AS period,
        {groups}
        {schema.amounts}
    FROM {view}
    WHERE tag = $tag
        AND date BETWEEN $first AND $last
        AND ({where})
        AND ({holds})
    GROUP BY ALL
),

-- The same groups are kept in all periods: they are ranked by their sums over the whole range.
ranked AS (
    SELECT
        {names}
        coalesce(row_number() OVER (ORDER BY {order}) > CAST($limit AS BIGINT), false) AS rest
    FROM (
        SELECT
            {names}
            {schema.added_amounts}
        FROM sums
        GROUP BY ALL
    )
),

answer AS (
    SELECT
        false AS total,
        sums.period,
        {shown}
        ranked.rest,
        NULL AS groups,
        {schema.added_amounts}
    FROM sums
    JOIN ranked
        ON {same}
    GROUP BY ALL
    UNION ALL
    SELECT
        true AS total,
        NULL AS period,
        {none}
        false AS rest,
        (SELECT count(*) FROM ranked) AS groups,
        {schema.added_amounts}
    FROM sums
)

SELECT *
FROM answer
ORDER BY total DESC, period NULLS FIRST, rest, {order};
