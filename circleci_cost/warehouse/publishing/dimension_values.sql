-- The values of one dimension, id or virtual tag, in order, so that a reader finds them together. {view} and {column} are
-- our own.
INSERT INTO dimension_values
SELECT
    $dimension AS dimension,
    {column} AS value,
    min(date) AS first_date,
    max(date) AS last_date,
    sum(credits) AS credits
FROM {view}
WHERE tag = $tag
GROUP BY ALL
ORDER BY value;
