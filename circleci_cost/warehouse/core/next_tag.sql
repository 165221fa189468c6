-- The rows of some tags, each divided among the values of the next tag, whose name is a variable. Counts stay where
-- both have them: on rows that are not split, or on those that keep a split's counts.
CREATE OR REPLACE TEMPORARY VIEW {view} AS
SELECT
    rows.* REPLACE (
        CASE WHEN other.counted THEN rows.jobs ELSE 0 END AS jobs,
        CASE WHEN other.counted THEN rows.runs ELSE 0 END AS runs,
        CASE WHEN other.counted THEN rows.run_seconds ELSE 0 END AS run_seconds,
        CASE
            WHEN other.share = 1 THEN rows.credits
            ELSE part_of_credits(rows.credits, other.share_until, other.share)
        END AS credits,
        CASE
            WHEN other.share = 1 THEN rows.cost_usd
            ELSE part_of_cost(rows.cost_usd, other.share_until, other.share)
        END AS cost_usd
    ),
    other.value AS {value}
FROM {before} AS rows
JOIN (
    SELECT
        source_row,
        value,
        share,
        share_until,
        split IS NULL OR share = 0 AS counted
    FROM allocated_costs
    WHERE tag = getvariable('{value}')
) AS other
    ON rows.source_row = other.source_row;
