-- The part that `daily_costs` and `engine_costs` share: `priced` rows get the newest names, and are written.
INSERT INTO daily_costs BY NAME
SELECT
    priced.*,
    $cost_center AS cost_center,
    {schema.computed_dimensions},
    -- See `efficiency/superseded.sql`.
    0 AS superseded_jobs,
    0 AS superseded_runs,
    0 AS superseded_run_seconds,
    0 AS credits_superseded,
    0 AS dlc_credits_superseded,
    organizations.name AS organization,
    projects.name AS project
FROM priced
LEFT JOIN dimension_names AS organizations
    ON organizations.dimension = 'organization'
    AND priced.organization_id = organizations.id
LEFT JOIN dimension_names AS projects
    ON projects.dimension = 'project'
    AND priced.project_id = projects.id;
