-- Rows of earlier days take the newest names.
UPDATE daily_costs
SET organization = organizations.name
FROM dimension_names AS organizations
WHERE organizations.dimension = 'organization'
    AND daily_costs.organization_id = organizations.id
    AND daily_costs.organization IS DISTINCT FROM organizations.name;

UPDATE daily_costs
SET project = projects.name
FROM dimension_names AS projects
WHERE projects.dimension = 'project'
    AND daily_costs.project_id = projects.id
    AND daily_costs.project IS DISTINCT FROM projects.name;
