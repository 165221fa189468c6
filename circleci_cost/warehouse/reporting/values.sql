-- All values that one dimension has.
SELECT DISTINCT
    CASE $dimension
        WHEN 'cost_center' THEN cost_center
        WHEN 'organization' THEN organization
        WHEN 'project' THEN project
        WHEN 'workflow' THEN workflow
        WHEN 'job' THEN job
        WHEN 'branch' THEN branch
        WHEN 'resource_class' THEN resource_class
        WHEN 'executor' THEN executor
        WHEN 'operating_system' THEN operating_system
        WHEN 'trigger_source' THEN trigger_source
        WHEN 'build_status' THEN build_status
    END AS value
FROM report_rows;
