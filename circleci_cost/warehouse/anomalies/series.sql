-- Each series that is judged, with the values that name it and, where there is one, the key of the series above it.
WITH named AS (
    SELECT DISTINCT
        key,
        series_kind,
        cost_center,
        organization,
        project,
        workflow,
        job,
        executor,
        resource_class,
        charge_type,
        tag,
        value AS tag_value
    FROM anomaly_sums
)

SELECT
    key,
    CASE series_kind
        WHEN 'organization' THEN series_key('cost_center', [cost_center])
        WHEN 'project' THEN series_key('organization', [cost_center, organization])
        WHEN 'workflow' THEN series_key('project', [cost_center, organization, project])
        WHEN 'job' THEN series_key('workflow', [cost_center, organization, project, workflow])
    END AS parent_key,
    series_kind,
    concat_ws(
        ' / ',
        CASE WHEN series_kind = 'cost_center' THEN cost_center END,
        organization, project, workflow, job,
        nullif(concat_ws(' ', CASE WHEN resource_class IS NOT NULL THEN executor END, resource_class), ''),
        charge_type,
        tag || '=' || tag_value
    ) AS series,
    * EXCLUDE (key, series_kind)
FROM named
ORDER BY key;
