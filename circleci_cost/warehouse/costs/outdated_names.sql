-- The days whose rows have another name than the newest one, whichever cost center it came with, or another kind of
-- actor than the patterns say now.
SELECT DISTINCT daily.cost_center, daily.date
FROM daily_costs AS daily
LEFT JOIN dimension_names AS organizations
    ON organizations.dimension = 'organization'
    AND daily.organization_id = organizations.id
LEFT JOIN dimension_names AS projects
    ON projects.dimension = 'project'
    AND daily.project_id = projects.id
WHERE (organizations.name IS NOT NULL AND daily.organization IS DISTINCT FROM organizations.name)
    OR (projects.name IS NOT NULL AND daily.project IS DISTINCT FROM projects.name)
    OR daily.actor_kind IS DISTINCT FROM actor_kind(daily.trigger_source, daily.branch);
