-- The days on which each split has something to split, by the groups that `within` makes.
CREATE OR REPLACE TEMPORARY TABLE allocation_groups AS
SELECT DISTINCT
    direct.split,
    direct.date,
    split_within(splits.within, direct.cost_center, direct.organization) AS part,
    splits.method,
    splits.fallback
FROM allocation_direct AS direct
JOIN allocation_splits AS splits USING (split);
