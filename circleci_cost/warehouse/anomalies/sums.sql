-- The key of a series: its kind and the names that apply to it; the others are NULL. Names may hold slashes, but no
-- unit separator.
CREATE OR REPLACE TEMPORARY MACRO series_key(kind, names) AS
    kind || ':' || array_to_string(names, chr(31));

-- Daily sums of each series that is judged for anomalies; `key` names a series. The usage of runs is judged along the
-- hierarchy, by tag and by resource class; booked charges, such as seats, each by itself. Cost is 0 where no price is
-- known.
CREATE OR REPLACE TEMPORARY TABLE anomaly_sums AS
WITH run_bound AS (
    SELECT
        *,
        credits - {schema.booked_credits} AS run_credits,
        coalesce(cost_usd - {schema.booked_cost_usd}, 0) AS run_cost_usd
    FROM shown_dimensions('daily_costs')
),

hierarchy AS (
    SELECT
        date,
        CASE
            WHEN grouping(organization) = 1 THEN 'cost_center'
            WHEN grouping(resource_class) = 0 THEN 'resource_class'
            WHEN grouping(project) = 1 THEN 'organization'
            WHEN grouping(workflow) = 1 THEN 'project'
            WHEN grouping(job) = 1 THEN 'workflow'
            ELSE 'job'
        END AS series_kind,
        cost_center,
        organization,
        project,
        workflow,
        job,
        executor,
        resource_class,
        sum(run_credits) AS credits,
        sum(run_cost_usd) AS cost_usd,
        -- Unknown for days that an earlier version has priced.
        CAST(sum(credits_squared) AS DOUBLE) AS credits_squared,
        sum(runs) AS runs,
        sum(run_seconds) AS run_seconds
    FROM run_bound
    GROUP BY GROUPING SETS (
        (date, cost_center),
        (date, cost_center, organization),
        (date, cost_center, organization, executor, resource_class),
        (date, cost_center, organization, project),
        (date, cost_center, organization, project, workflow),
        (date, cost_center, organization, project, workflow, job)
    )
),

charges AS (
    SELECT
        date,
        cost_center,
        organization,
        charge_type,
        sum(credits) AS credits,
        coalesce(sum(cost_usd), 0) AS cost_usd,
        -- A daily cost hardly ever holds more than one booking.
        sum(CAST(credits AS DOUBLE) ** 2) AS credits_squared,
        count(*) AS runs
    FROM series_charges
    WHERE charge_type IN ({schema.booked_charge_types})
    GROUP BY ALL
),

tags AS (
    SELECT
        date,
        tag,
        value,
        sum(credits) AS credits,
        coalesce(sum(cost_usd), 0) AS cost_usd
    FROM allocated_costs
    WHERE charge_type NOT IN ({schema.booked_charge_types})
    GROUP BY ALL
),

sums AS (
    SELECT * FROM hierarchy
    UNION ALL BY NAME
    SELECT 'charge_type' AS series_kind, * FROM charges
    UNION ALL BY NAME
    SELECT 'tag' AS series_kind, * FROM tags
)

SELECT
    *,
    -- Two cost centers may have organizations of one name.
    series_key(
        series_kind,
        [cost_center, organization, project, workflow, job, executor, resource_class, charge_type, tag, value]
    ) AS key
FROM sums;
