-- Where the cost of a tag's values came from: by rule, value before the split, and split. Shares change from day to
-- day, so their least and greatest are told.
SELECT
    value,
    rule,
    source_value,
    split,
    min(share) AS least_share,
    max(share) AS greatest_share,
    count(DISTINCT date) AS days,
    coalesce(sum(cost_usd), CASE WHEN sum(credits) = 0 THEN 0 END) AS cost,
    sum(credits) AS credits,
    coalesce(sum(credits) FILTER (WHERE price_per_credit IS NULL), 0) AS unpriced_credits,
    CAST(sum(jobs) AS BIGINT) AS jobs,
    CAST(sum(runs) AS BIGINT) AS runs
FROM shown_dimensions('allocated_costs')
WHERE tag = $tag
    AND date BETWEEN $first AND $last
    AND (len($value) = 0 OR list_contains($value, value))
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
GROUP BY value, rule, source_value, split
ORDER BY cost DESC NULLS LAST, credits DESC, value, rule, source_value, split;
