-- The columns of $names that each of $files has, and the precision of those that are decimals.
SELECT file_name, map_from_entries(list((name, coalesce(precision, 0)) ORDER BY name)) AS columns
FROM parquet_schema($files)
WHERE list_contains($names, name)
GROUP BY file_name
ORDER BY file_name;
