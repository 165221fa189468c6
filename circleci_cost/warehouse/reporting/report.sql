-- Exact sums of some days by the dimensions in $by; a dimension that is not among them is one group for all. Of the
-- rows' tags those at the places in $by_tags make groups.
SELECT
    CASE $granularity
        WHEN 'day' THEN date
        WHEN 'week' THEN CAST(date_trunc('week', date) AS DATE)
        WHEN 'month' THEN CAST(date_trunc('month', date) AS DATE)
    END AS period,
    CASE WHEN list_contains($by, 'cost_center') THEN cost_center END AS cost_center,
    CASE WHEN list_contains($by, 'organization') THEN organization END AS organization,
    CASE WHEN list_contains($by, 'project') THEN project END AS project,
    CASE WHEN list_contains($by, 'workflow') THEN workflow END AS workflow,
    CASE WHEN list_contains($by, 'job') THEN job END AS job,
    CASE WHEN list_contains($by, 'branch') THEN branch END AS branch,
    CASE WHEN list_contains($by, 'resource_class') THEN resource_class END AS resource_class,
    CASE WHEN list_contains($by, 'executor') THEN executor END AS executor,
    CASE WHEN list_contains($by, 'operating_system') THEN operating_system END AS operating_system,
    CASE WHEN list_contains($by, 'trigger_source') THEN trigger_source END AS trigger_source,
    CASE WHEN list_contains($by, 'build_status') THEN build_status END AS build_status,
    CASE WHEN list_contains($by, 'charge_type') THEN charge_type END AS charge_type,
    list_select(tags, CAST($by_tags AS BIGINT[])) AS tags,
    coalesce(sum(cost_usd), CASE WHEN sum(credits) = 0 THEN 0 END) AS cost,
    sum(credits) AS credits,
    coalesce(sum(credits) FILTER (WHERE price_per_credit IS NULL), 0) AS unpriced_credits,
    CAST(sum(jobs) AS BIGINT) AS jobs,
    CAST(sum(runs) AS BIGINT) AS runs
FROM report_rows
WHERE date BETWEEN $first AND $last
    AND (len($cost_center) = 0 OR list_contains($cost_center, cost_center))
    AND (len($organization) = 0 OR list_contains($organization, organization))
    AND (len($project) = 0 OR list_contains($project, project))
    AND (len($workflow) = 0 OR list_contains($workflow, workflow))
    AND (len($job) = 0 OR list_contains($job, job))
    AND (len($branch) = 0 OR list_contains($branch, branch))
    AND (len($resource_class) = 0 OR list_contains($resource_class, resource_class))
    AND (len($executor) = 0 OR list_contains($executor, executor))
    AND (len($operating_system) = 0 OR list_contains($operating_system, operating_system))
    AND (len($trigger_source) = 0 OR list_contains($trigger_source, trigger_source))
    AND (len($build_status) = 0 OR list_contains($build_status, build_status))
    AND (len($charge_type) = 0 OR list_contains($charge_type, charge_type))
GROUP BY ALL;
