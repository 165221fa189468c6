-- The largest groups under a tag's default value: projects, or workflows of a project of which a part has a value.
WITH found AS (
    SELECT
        project,
        workflow,
        value,
        charge_type,
        credits,
        cost_usd
    FROM shown_dimensions('allocated_costs')
    WHERE tag = $tag
),

-- Charge types with a rule of their own, such as seats, do not make a project one that is allocated in part.
in_part AS (
    SELECT DISTINCT project FROM found WHERE value NOT IN ($default, 'unallocated') AND charge_type = 'compute'
)

SELECT
    found.project,
    CASE WHEN in_part.project IS NOT NULL THEN found.workflow END AS workflow,
    coalesce(sum(found.cost_usd), 0) AS cost,
    sum(found.credits) AS credits
FROM found
LEFT JOIN in_part ON found.project = in_part.project
WHERE found.value IN ($default, 'unallocated')
GROUP BY ALL
HAVING sum(found.credits) > 0
ORDER BY cost DESC, credits DESC, found.project, workflow
LIMIT $limit;
