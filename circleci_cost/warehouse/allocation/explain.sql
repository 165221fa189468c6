-- Where the cost of a tag's values came from: by rule, value before the split, and split. Shares change from day to
-- day, so the least and the greatest are given. {view} is the view of the tag, {where} a condition whose values are
-- parameters.
SELECT
    value,
    rule,
    source_value,
    split,
    min(share) AS least_share,
    max(share) AS greatest_share,
    count(DISTINCT date) AS days,
    {schema.amounts}
FROM {view}
WHERE tag = $tag
    AND date BETWEEN $first AND $last
    AND ({where})
GROUP BY value, rule, source_value, split
ORDER BY cost DESC NULLS LAST, credits DESC, value, rule, source_value, split;
