-- Rows of earlier days take the newest names.
UPDATE daily_costs
SET
    organization = organizations.name,
    project = projects.name
FROM dimension_names AS organizations, dimension_names AS projects
WHERE organizations.dimension = 'organization'
    AND daily_costs.organization_id = organizations.id
    AND projects.dimension = 'project'
    AND daily_costs.project_id = projects.id
    AND (
        daily_costs.organization IS DISTINCT FROM organizations.name
        OR daily_costs.project IS DISTINCT FROM projects.name
    );
