-- The days on which each split has something to split, by the groups that `within` makes.
CREATE OR REPLACE TEMPORARY TABLE allocation_groups AS
SELECT DISTINCT
    direct.split,
    direct.date,
    CASE splits.within
        WHEN 'cost_center' THEN direct.cost_center
        WHEN 'organization' THEN direct.organization
        ELSE ''
    END AS part,
    splits.method,
    splits.fallback
FROM allocation_direct AS direct
JOIN allocation_splits AS splits USING (split);
