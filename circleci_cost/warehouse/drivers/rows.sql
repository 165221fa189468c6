-- The costs of both periods of some comparisons by job, class and finer columns: each day by its weight
-- (`driver_days`), within the scopes of the comparisons (`driver_scopes`, null: all). {finer} are columns of our own,
-- NULL where they are not asked for, {where} a condition whose values are parameters. Costs without a price have rows
-- of their own.
SELECT
    days.comparison,
    days.side,
    rows.cost_center,
    rows.organization,
    rows.project,
    rows.workflow,
    rows.job,
    rows.resource_class,
    rows.executor,
    {finer},
    rows.price_per_credit IS NULL AS unpriced,
    weighed(COLUMNS('^(runs|run_seconds|credits|cost_usd)$'), days.weight) AS '\1',
    weighed(COLUMNS('^(.*_(?:credits|cost_usd))$'), days.weight) AS '\1'
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
GROUP BY ALL;
