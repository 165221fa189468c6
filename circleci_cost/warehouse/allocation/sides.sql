-- The part of each daily cost and charge type that each value of each tag has in two allocations of the same days. A
-- daily cost is identified by a hash of its dimensions: a collision of two would only hide a move between them.
CREATE OR REPLACE TEMPORARY TABLE allocation_sides AS
WITH both_sides AS (
    SELECT *, 0 AS side FROM allocation_before
    UNION ALL BY NAME
    SELECT *, 1 AS side FROM allocation_after
)

SELECT
    tag,
    value,
    hash((date, {schema.dimension_keys}, unregistered, charge_type)) AS source,
    coalesce(sum(cost_usd) FILTER (WHERE side = 0), 0) AS before,
    coalesce(sum(cost_usd) FILTER (WHERE side = 1), 0) AS after,
    coalesce(sum(credits) FILTER (WHERE side = 0), 0) AS credits_before,
    coalesce(sum(credits) FILTER (WHERE side = 1), 0) AS credits_after
FROM both_sides
WHERE date BETWEEN $first AND $last
    AND fits($tags, tag)
GROUP BY ALL;
