-- The names of ids in the daily costs, which hold the newest ones.
CREATE OR REPLACE TEMPORARY TABLE allocation_names AS
SELECT DISTINCT
    'organization' AS dimension,
    organization_id AS id,
    organization AS name
FROM numbered_daily_costs
WHERE organization IS NOT NULL
UNION
SELECT DISTINCT
    'project' AS dimension,
    project_id AS id,
    project AS name
FROM numbered_daily_costs
WHERE project IS NOT NULL;
