-- Dimensions as they are shown: an id where there is no name, '(none)' where there is no value. The one list of what
-- reports and the rules of virtual tags ask for.
CREATE OR REPLACE TEMPORARY MACRO shown_dimensions(rows) AS TABLE
SELECT
    * REPLACE (
        coalesce(organization, organization_id) AS organization,
        coalesce(project, project_id) AS project,
        coalesce(workflow, '(none)') AS workflow,
        coalesce(job, '(none)') AS job,
        coalesce(branch, '(none)') AS branch,
        coalesce(resource_class, '(none)') AS resource_class,
        coalesce(executor, '(none)') AS executor,
        coalesce(operating_system, '(none)') AS operating_system,
        coalesce(trigger_source, '(none)') AS trigger_source,
        coalesce(build_status, '(none)') AS build_status
    )
FROM query_table(rows);

-- What a report groups: daily costs with their dimensions as shown, all charge types together, without tags.
CREATE OR REPLACE TEMPORARY VIEW report_rows AS
SELECT
    *,
    '' AS charge_type,
    CAST([] AS VARCHAR[]) AS tags
FROM shown_dimensions('daily_costs');
