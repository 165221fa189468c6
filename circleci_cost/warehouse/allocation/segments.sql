-- The segment of time that each day is in: between two boundaries the same rules and splits hold.
CREATE OR REPLACE TEMPORARY TABLE allocation_segments AS
WITH days AS (
    SELECT
        date,
        list_filter(CAST($boundaries AS DATE[]), lambda boundary: boundary <= date) AS passed
    FROM (SELECT DISTINCT date FROM numbered_daily_costs)
)

SELECT
    date,
    CAST(len(passed) AS INTEGER) AS segment,
    coalesce(list_max(passed), DATE '0001-01-01') AS first
FROM days;
