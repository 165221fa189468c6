-- The charges of single job runs, before any split. Prices are those that the published costs were computed at, so that
-- both sums are the same; a day that is not published has no charge here. Organizations and projects have the names that
-- reports show.
CREATE OR REPLACE TEMPORARY TABLE focus_charges AS
WITH read AS (
    {schema.job_runs_of_files}
),

runs AS (
    SELECT
        job_run_date AS date,
        cost_center,
        {schema.dimensions_of_job_runs},
        is_unregistered_user AS unregistered,
        job_id,
        job_run_number,
        workflow_id,
        pipeline_id,
        pipeline_number,
        pipeline_trigger_user_id AS trigger_user_id,
        job_run_started_at AS started_at,
        job_run_stopped_at AS stopped_at,
        CAST(job_run_stopped_at IS NOT NULL AS BIGINT) AS runs,
        coalesce(job_run_seconds, 0) AS run_seconds,
        COLUMNS('(.*_credits)$')
    FROM read
),

charges AS (
    SELECT
        * EXCLUDE (total_credits, name),
        string_split(name, '_credits')[1] AS charge_type
    FROM (UNPIVOT runs ON COLUMNS(lambda name: ends_with(name, '_credits') AND name <> 'total_credits')
        INTO NAME name VALUE credits)
    WHERE credits <> 0
),

prices AS (
    SELECT DISTINCT cost_center, date, price_per_credit
    FROM daily_costs
    WHERE date BETWEEN $first AND $last AND price_per_credit IS NOT NULL
),

-- Who starts a pipeline was told by the patterns of the publication.
actors AS (
    SELECT DISTINCT trigger_source, branch, actor_kind
    FROM daily_costs
    WHERE date BETWEEN $first AND $last
),

names AS (
    SELECT
        organization_id,
        project_id,
        any_value(organization) AS organization,
        any_value(project) AS project
    FROM daily_costs
    WHERE date BETWEEN $first AND $last
    GROUP BY ALL
)

SELECT
    charges.* REPLACE (CAST(charges.credits AS DECIMAL(38, 6)) AS credits),
    list_position($charge_types, charge_type) - 1 AS charge_number,
    names.organization,
    names.project,
    actors.actor_kind,
    prices.price_per_credit,
    CAST(charges.credits AS DECIMAL(28, 6)) * prices.price_per_credit AS cost_usd,
    CAST(NULL AS VARCHAR) AS tags,
    CAST(NULL AS VARCHAR) AS rules,
    CAST(NULL AS VARCHAR) AS split
FROM charges
JOIN prices USING (cost_center, date)
JOIN names USING (organization_id, project_id)
LEFT JOIN actors
    ON charges.trigger_source IS NOT DISTINCT FROM actors.trigger_source
    AND charges.branch IS NOT DISTINCT FROM actors.branch
WHERE date BETWEEN $first AND $last;
