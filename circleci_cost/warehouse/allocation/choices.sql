-- How each split was made on each day and in each group: by its method, else by its fallback, else not at all (keep).
-- `weighed_on` is the day of the weights: an earlier one for `previous`.
CREATE OR REPLACE TEMPORARY TABLE allocation_choices AS
WITH offered AS (
    SELECT DISTINCT split, date, part, method FROM allocation_weights
)

SELECT
    groups.split,
    groups.date,
    groups.part,
    CASE
        WHEN asked.date IS NOT NULL THEN groups.method
        WHEN groups.fallback = 'previous' AND earlier.date IS NOT NULL THEN 'previous'
        WHEN instead.date IS NOT NULL THEN groups.fallback
        ELSE 'keep'
    END AS used,
    CASE used WHEN 'previous' THEN groups.method ELSE used END AS method,
    CASE used WHEN 'previous' THEN earlier.date ELSE groups.date END AS weighed_on,
    used <> groups.method AS fell_back
FROM allocation_groups AS groups
LEFT JOIN offered AS asked
    ON groups.split = asked.split
    AND groups.date = asked.date
    AND groups.part = asked.part
    AND groups.method = asked.method
LEFT JOIN offered AS instead
    ON groups.split = instead.split
    AND groups.date = instead.date
    AND groups.part = instead.part
    AND groups.fallback = instead.method
ASOF LEFT JOIN offered AS earlier
    ON groups.split = earlier.split
    AND groups.part = earlier.part
    AND groups.method = earlier.method
    AND groups.date > earlier.date;
