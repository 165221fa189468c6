-- The rows of a report's tags so far, each divided among the values of the next tag. Counts stay where both tags have
-- them: on rows that are not split, or on those that keep a split's counts.
CREATE OR REPLACE TEMPORARY VIEW report_tagged_{next} AS
SELECT
    rows.* REPLACE (
        list_append(rows.tags, other.value) AS tags,
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
    )
FROM report_tagged_{last} AS rows
JOIN (
    SELECT
        source_row,
        value,
        share,
        share_until,
        split IS NULL OR share = 0 AS counted
    FROM allocated_costs
    WHERE tag = getvariable('report_tag_{next}')
        AND (
            len(getvariable('report_values_{next}')) = 0
            OR list_contains(getvariable('report_values_{next}'), value)
        )
) AS other
    ON rows.source_row = other.source_row;
