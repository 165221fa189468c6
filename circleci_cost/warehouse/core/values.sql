-- All values of one dimension or tag. {view} and {column} are our own.
SELECT DISTINCT {column} AS value
FROM {view}
WHERE tag = $tag
ORDER BY value;
