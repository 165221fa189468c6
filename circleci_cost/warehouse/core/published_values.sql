-- The values of one dimension, id or tag, as a generation lists them: all, or those of $among.
SELECT value
FROM dimension_values
WHERE dimension = $dimension
    AND ($among IS NULL OR list_contains(CAST($among AS VARCHAR[]), value))
ORDER BY value;
