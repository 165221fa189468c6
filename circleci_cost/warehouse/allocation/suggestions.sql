-- The largest groups under a tag's default value: projects, or workflows of a project of which a part has a value.
WITH tagged AS (
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

-- Charge types with a rule of their own, such as seats, do not make a project count as allocated in part.
in_part AS (
    SELECT DISTINCT project FROM tagged WHERE value NOT IN ($default, 'unallocated') AND charge_type = 'compute'
)

SELECT
    tagged.project,
    CASE WHEN in_part.project IS NOT NULL THEN tagged.workflow END AS workflow,
    coalesce(sum(tagged.cost_usd), 0) AS cost,
    sum(tagged.credits) AS credits
FROM tagged
LEFT JOIN in_part ON tagged.project = in_part.project
WHERE tagged.value IN ($default, 'unallocated')
GROUP BY ALL
HAVING sum(tagged.credits) > 0
ORDER BY cost DESC, credits DESC, tagged.project, workflow
LIMIT $limit;
