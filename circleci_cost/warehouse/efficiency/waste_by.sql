-- Waste by group, beside the cost of the same group; {by} are the names of a group, {within} those of them that costs
-- have too, and {wasted} and {used} are conditions whose values are parameters.
WITH shown_waste AS (
    SELECT
        * REPLACE (
            coalesce(organization, organization_id) AS organization,
            coalesce(project, project_id) AS project,
            coalesce(workflow, $no_value) AS workflow,
            coalesce(job, $no_value) AS job
        )
    FROM waste
    WHERE date BETWEEN $first AND $last
),

wasted AS (
    SELECT
        CAST([{by}] AS VARCHAR[]) AS names,
        CAST([{within}] AS VARCHAR[]) AS part_of,
        sum(cost_usd) AS cost,
        sum(credits) AS credits,
        coalesce(sum(credits) FILTER (WHERE price_per_credit IS NULL), 0) AS unpriced_credits,
        CAST(sum(jobs) AS BIGINT) AS jobs,
        CAST(sum(runs) AS BIGINT) AS runs,
        CAST(sum(run_seconds) AS BIGINT) AS run_seconds
    FROM shown_waste
    WHERE {wasted}
    GROUP BY ALL
    HAVING count(*) > 0
),

used AS (
    SELECT
        CAST([{within}] AS VARCHAR[]) AS part_of,
        sum(cost_usd) AS cost,
        sum(credits) AS credits
    FROM shown_dimensions('daily_costs')
    WHERE date BETWEEN $first AND $last
        AND {used}
    GROUP BY ALL
)

SELECT
    wasted.names,
    wasted.cost,
    wasted.credits,
    wasted.unpriced_credits,
    wasted.jobs,
    wasted.runs,
    wasted.run_seconds,
    used.cost AS whole_cost,
    used.credits AS whole_credits
FROM wasted
JOIN used USING (part_of)
ORDER BY {order}wasted.cost DESC NULLS LAST, wasted.credits DESC, wasted.names;
