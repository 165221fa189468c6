-- All values of one dimension or tag, for the nearest names. {source} and {dimension} are our own.
SELECT DISTINCT {dimension} AS value
FROM {source}
WHERE tag = $tag
ORDER BY value;
