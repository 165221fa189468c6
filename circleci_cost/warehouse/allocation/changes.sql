-- Each value of each tag before and after, unchanged ones included.
SELECT
    tag,
    value,
    sum(before) AS before,
    sum(after) AS after,
    sum(after) - sum(before) AS change,
    sum(credits_before) AS credits_before,
    sum(credits_after) AS credits_after
FROM allocation_sides
GROUP BY tag, value
HAVING sum(credits_before) <> 0 OR sum(credits_after) <> 0
ORDER BY tag, abs(change) DESC, value;
