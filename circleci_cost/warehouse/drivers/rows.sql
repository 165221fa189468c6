-- The costs of both periods of some comparisons by job, class and the dimensions in $by: each day by its weight
-- (`driver_days`), within the scopes of the comparisons (`driver_scopes`, null: all) and the values asked for (an empty
-- list: all). Costs without a price have rows of their own.
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
    CASE WHEN list_contains($by, 'branch') THEN rows.branch END AS branch,
    CASE WHEN list_contains($by, 'operating_system') THEN rows.operating_system END AS operating_system,
    CASE WHEN list_contains($by, 'trigger_source') THEN rows.trigger_source END AS trigger_source,
    CASE WHEN list_contains($by, 'build_status') THEN rows.build_status END AS build_status,
    CASE WHEN list_contains($by, 'value') THEN rows.value END AS value,
    rows.price_per_credit IS NULL AS unpriced,
    weighed(rows.runs, days.weight) AS runs,
    weighed(rows.run_seconds, days.weight) AS run_seconds,
    weighed(rows.compute_credits, days.weight) AS compute_credits,
    weighed(rows.dlc_credits, days.weight) AS dlc_credits,
    weighed(rows.user_credits, days.weight) AS user_credits,
    weighed(rows.storage_credits, days.weight) AS storage_credits,
    weighed(rows.network_credits, days.weight) AS network_credits,
    weighed(rows.lease_credits, days.weight) AS lease_credits,
    weighed(rows.lease_overage_credits, days.weight) AS lease_overage_credits,
    weighed(rows.ipranges_credits, days.weight) AS ipranges_credits,
    weighed(rows.other_credits, days.weight) AS other_credits,
    weighed(rows.compute_cost_usd, days.weight) AS compute_cost_usd,
    weighed(rows.dlc_cost_usd, days.weight) AS dlc_cost_usd,
    weighed(rows.user_cost_usd, days.weight) AS user_cost_usd,
    weighed(rows.storage_cost_usd, days.weight) AS storage_cost_usd,
    weighed(rows.network_cost_usd, days.weight) AS network_cost_usd,
    weighed(rows.lease_cost_usd, days.weight) AS lease_cost_usd,
    weighed(rows.lease_overage_cost_usd, days.weight) AS lease_overage_cost_usd,
    weighed(rows.ipranges_cost_usd, days.weight) AS ipranges_cost_usd,
    weighed(rows.other_cost_usd, days.weight) AS other_cost_usd,
    weighed(rows.credits, days.weight) AS credits,
    weighed(rows.cost_usd, days.weight) AS cost_usd
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
    AND (len($organization) = 0 OR list_contains($organization, rows.organization))
    AND (len($project) = 0 OR list_contains($project, rows.project))
    AND (len($workflow) = 0 OR list_contains($workflow, rows.workflow))
    AND (len($job) = 0 OR list_contains($job, rows.job))
    AND (len($branch) = 0 OR list_contains($branch, rows.branch))
    AND (len($resource_class) = 0 OR list_contains($resource_class, rows.resource_class))
    AND (len($executor) = 0 OR list_contains($executor, rows.executor))
    AND (len($operating_system) = 0 OR list_contains($operating_system, rows.operating_system))
    AND (len($trigger_source) = 0 OR list_contains($trigger_source, rows.trigger_source))
    AND (len($build_status) = 0 OR list_contains($build_status, rows.build_status))
    AND (len($value) = 0 OR list_contains($value, rows.value))
GROUP BY ALL;
