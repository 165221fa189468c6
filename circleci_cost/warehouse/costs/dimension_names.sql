-- Names change while ids stay, and an export carries the names of its own time: the newest one is kept.
-- LAST_BUILD_FINISHED_AT is as of the export, so it tells how new the names of a row are.
INSERT INTO dimension_names
WITH names AS (
    SELECT
        organization_id,
        organization_name,
        project_id,
        project_name,
        max(coalesce(last_build_finished_at, CAST(job_run_date AS TIMESTAMP))) AS named_at
    FROM {schema.job_run_files}
    GROUP BY ALL
),

candidates AS (
    SELECT 'organization' AS dimension, organization_id AS id, organization_name AS name, named_at FROM names
    UNION ALL
    SELECT 'project' AS dimension, project_id AS id, project_name AS name, named_at FROM names
)

SELECT
    dimension,
    id,
    same_name(arg_max(name, (named_at, name))) AS name,
    max(named_at) AS named_at
FROM candidates
WHERE name IS NOT NULL
GROUP BY dimension, id
ON CONFLICT (dimension, id) DO UPDATE SET
    name = CASE WHEN excluded.named_at >= named_at THEN excluded.name ELSE name END,
    named_at = greatest(excluded.named_at, named_at);
