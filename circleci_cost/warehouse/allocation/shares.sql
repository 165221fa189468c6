-- The shares of each split's targets: 12 digits that sum to exactly 1. The units that rounding down leaves over go to
-- the largest remainders. `share_until` is the sum up to the target; one more row, of share 0, keeps the counts at
-- the source.
CREATE OR REPLACE TEMPORARY TABLE allocation_shares AS
WITH weighed AS (
    SELECT
        choices.split,
        choices.date,
        choices.part,
        weights.target,
        weights.weight * 1000000000000 AS scaled,
        sum(weights.weight) OVER (PARTITION BY choices.split, choices.date, choices.part) AS total
    FROM allocation_choices AS choices
    JOIN allocation_weights AS weights
        ON choices.split = weights.split
        AND choices.weighed_on = weights.date
        AND choices.part = weights.part
        AND choices.method = weights.method
),

ranked AS (
    SELECT
        *,
        scaled // total AS whole,
        row_number() OVER (PARTITION BY split, date, part ORDER BY scaled % total DESC, target) AS place,
        1000000000000 - sum(scaled // total) OVER (PARTITION BY split, date, part) AS left_over
    FROM weighed
),

units AS (
    SELECT split, date, part, target, CAST(whole + CASE WHEN place <= left_over THEN 1 ELSE 0 END AS BIGINT) AS units
    FROM ranked
),

shares AS (
    SELECT
        *,
        CAST(sum(units) OVER (PARTITION BY split, date, part ORDER BY target) AS BIGINT) AS units_until
    FROM units
    WHERE units > 0
    UNION ALL
    SELECT split, date, part, splits.source, 0, 0
    FROM allocation_choices
    JOIN allocation_splits AS splits USING (split)
    WHERE used <> 'keep'
)

SELECT
    split,
    date,
    part,
    target,
    CAST(CAST(units AS DECIMAL(18, 0)) * CAST(0.000000000001 AS DECIMAL(12, 12)) AS DECIMAL(18, 12)) AS share,
    CAST(CAST(units_until AS DECIMAL(18, 0)) * CAST(0.000000000001 AS DECIMAL(12, 12)) AS DECIMAL(18, 12))
        AS share_until
FROM shares;
