-- The published values of one dimension, id or virtual tag, those with the most credits first.
SELECT value
FROM dimension_values
WHERE dimension = $dimension
ORDER BY credits DESC, value
LIMIT $limit;
