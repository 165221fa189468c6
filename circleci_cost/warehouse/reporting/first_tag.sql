-- The rows of a report's first virtual tag, whose name and asked-for values are variables.
CREATE OR REPLACE TEMPORARY VIEW report_tagged_1 AS
SELECT
    *,
    [value] AS tags
FROM allocated_costs
WHERE tag = getvariable('report_tag_1')
    AND (len(getvariable('report_values_1')) = 0 OR list_contains(getvariable('report_values_1'), value));
