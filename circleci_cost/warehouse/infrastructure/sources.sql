-- The days of each source: from its first cost to its newest charge, whose day may still grow.
WITH files AS (
    SELECT source, max(last_date) AS newest
    FROM infrastructure_files
    GROUP BY source
)

SELECT
    costs.source,
    min(costs.date) AS first,
    any_value(files.newest) AS newest
FROM infrastructure_costs AS costs
LEFT JOIN files USING (source)
GROUP BY costs.source
ORDER BY costs.source;
