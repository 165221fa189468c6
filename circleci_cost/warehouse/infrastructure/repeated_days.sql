-- Pairs of files of a source that hold the same costs of all services on some days: the files may overlap.
WITH days AS (
    SELECT
        source,
        path,
        begins,
        count(DISTINCT (provider, service, sub_account, tag_value, currency)) AS charges,
        bit_xor(hash(date, provider, service, sub_account, tag_value, currency, cost)) AS content
    FROM infrastructure_file_costs
    WHERE cost <> 0
    GROUP BY source, path, begins
),
repeated AS (
    SELECT source, begins, max(charges) AS charges, min(path) AS path, max(path) AS other_path
    FROM days
    GROUP BY source, begins, content
    HAVING count(*) > 1
)
SELECT source, path, other_path, count(*) AS days, min(begins) AS first
FROM repeated
GROUP BY source, path, other_path
-- A single flat charge may be the same twice, but hardly on three days.
QUALIFY max(charges) > 1 OR sum(count(*)) OVER (PARTITION BY source, other_path) >= 3
ORDER BY source, path, other_path;
