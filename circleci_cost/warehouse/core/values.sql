-- The values of one dimension or tag: all, or those of $among. {view} and {column} are our own.
SELECT DISTINCT {column} AS value
FROM {view}
WHERE tag = $tag
    AND ($among IS NULL OR list_contains(CAST($among AS VARCHAR[]), {column}))
ORDER BY value;
