-- Divides each charge among the values of one virtual tag. Counts do not follow money: a split leaves them at the
-- source, so that a divided charge has none.
CREATE OR REPLACE TEMPORARY TABLE focus_charges AS
SELECT *
FROM (
    SELECT
        charges.* REPLACE (
            CASE WHEN parts.split IS NULL THEN runs END AS runs,
            CASE WHEN parts.split IS NULL THEN run_seconds END AS run_seconds,
            CASE
                WHEN parts.share = 1 THEN credits
                ELSE part_of_credits(credits, parts.share_until, parts.share)
            END AS credits,
            CASE
                WHEN parts.share = 1 THEN cost_usd
                ELSE part_of_cost(cost_usd, parts.share_until, parts.share)
            END AS cost_usd,
            concat_ws(',', tags, CAST(to_json($tag) AS VARCHAR) || ':' || CAST(to_json(parts.value) AS VARCHAR)) AS tags,
            concat_ws(',', rules, CAST(to_json($tag) AS VARCHAR) || ':' || CAST(to_json(parts.rule) AS VARCHAR)) AS rules,
            nullif(concat_ws('; ', charges.split, parts.split), '') AS split
        )
    FROM focus_charges AS charges
    JOIN (
        SELECT source_row, value, rule, split, share, share_until
        FROM allocated_costs
        WHERE tag = $tag AND date BETWEEN $first AND $last AND share <> 0
    ) AS parts USING (source_row)
)
WHERE credits <> 0 OR cost_usd <> 0;
