-- What a report groups: daily costs with their dimensions as shown, all charge types together.
CREATE OR REPLACE TEMPORARY VIEW report_rows AS
SELECT
    date,
    cost_center,
    coalesce(organization, organization_id) AS organization,
    coalesce(project, project_id) AS project,
    coalesce(workflow, '(none)') AS workflow,
    coalesce(job, '(none)') AS job,
    coalesce(branch, '(none)') AS branch,
    coalesce(resource_class, '(none)') AS resource_class,
    coalesce(executor, '(none)') AS executor,
    coalesce(operating_system, '(none)') AS operating_system,
    coalesce(trigger_source, '(none)') AS trigger_source,
    coalesce(build_status, '(none)') AS build_status,
    '' AS charge_type,
    jobs,
    runs,
    credits,
    price_per_credit,
    cost_usd
FROM daily_costs;
