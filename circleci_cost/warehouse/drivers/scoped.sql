-- A part of other statements: of `driver_source` the rows of some comparisons, of their days (`driver_days`), within
-- their scopes (`driver_scopes`, null: all), and fitting the condition `where`, whose values are parameters.
FROM driver_source AS rows
JOIN driver_days AS days
    ON rows.cost_center = days.cost_center
    AND rows.date = days.date
JOIN driver_scopes AS scopes
    ON days.comparison = scopes.comparison
WHERE (scopes.organization IS NULL OR rows.organization = scopes.organization)
    AND (scopes.project IS NULL OR rows.project = scopes.project)
    AND (scopes.workflow IS NULL OR rows.workflow = scopes.workflow)
    AND (scopes.job IS NULL OR rows.job = scopes.job)
    AND (scopes.value IS NULL OR rows.value = scopes.value)
    AND ({where})
