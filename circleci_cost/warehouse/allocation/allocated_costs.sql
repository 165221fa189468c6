-- The rows of one tag. A split moves money; counts stay at the source, on its row of share 0.
INSERT INTO allocated_costs BY NAME
SELECT
    charges.* EXCLUDE (daily_row, charge_number) REPLACE (
        CASE WHEN charge_number = 0 AND coalesce(shares.share, 0) = 0 THEN charges.jobs ELSE 0 END AS jobs,
        CASE WHEN charge_number = 0 AND coalesce(shares.share, 0) = 0 THEN charges.runs ELSE 0 END AS runs,
        CASE WHEN charge_number = 0 AND coalesce(shares.share, 0) = 0 THEN charges.run_seconds ELSE 0 END AS run_seconds,
        CASE
            WHEN shares.share IS NULL THEN charges.credits
            ELSE part_of_credits(charges.credits, shares.share_until, shares.share)
        END AS credits,
        CASE
            WHEN shares.share IS NULL THEN charges.cost_usd
            ELSE part_of_cost(charges.cost_usd, shares.share_until, shares.share)
        END AS cost_usd
    ),
    $tag AS tag,
    coalesce(shares.target, decisions.value) AS value,
    decisions.rule,
    decisions.value AS source_value,
    CASE WHEN shares.share IS NOT NULL THEN splits.label END AS split,
    coalesce(shares.share, 1) AS share,
    coalesce(shares.share_until, 1) AS share_until,
    charges.daily_row * {schema.charge_types} + charges.charge_number AS source_row
FROM charge_rows('numbered_daily_costs') AS charges
JOIN allocation_keys AS keys USING (daily_row)
JOIN allocation_decisions AS decisions
    ON keys.combination * $kinds + list_extract($kind_of, charges.charge_number + 1) = decisions.key
LEFT JOIN allocation_splits AS splits USING (split)
LEFT JOIN allocation_shares AS shares
    ON decisions.split = shares.split
    AND charges.date = shares.date
    AND split_within(
        splits.within, charges.cost_center, coalesce(charges.organization, charges.organization_id)
    ) = shares.part;
