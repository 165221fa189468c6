-- What each value of a tag cost: the whole (`shared` is NULL), and apart by whether a split brought it. `split_away` says
-- that the value's own cost went to others. {view} is the view of the tag.
WITH rows AS (
    SELECT *, split IS NOT NULL AS shared
    FROM {view}
    WHERE tag = $tag
        AND date BETWEEN $first AND $last
        AND (credits <> 0 OR coalesce(cost_usd, 0) <> 0 OR jobs <> 0)
)

SELECT
    value,
    shared,
    bool_or(shared AND source_value = value) AS split_away,
    {schema.amounts}
FROM rows
GROUP BY GROUPING SETS ((value, shared), (value))
ORDER BY cost DESC NULLS LAST, credits DESC, value;
