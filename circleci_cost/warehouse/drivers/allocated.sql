-- The same of one virtual tag: allocated costs, each charge type in its own columns. A split leaves the runs at the
-- source; here each part takes its share of them, so that its cost per run stays what it is.
CREATE OR REPLACE TEMPORARY VIEW driver_source AS
WITH tagged AS (
    SELECT * FROM shown_dimensions('allocated_costs') WHERE tag = getvariable('driver_tag')
),

counted AS (
    SELECT
        source_row,
        runs,
        run_seconds
    FROM tagged
    WHERE split IS NOT NULL AND share = 0
)

SELECT
    tagged.* EXCLUDE (runs, run_seconds),
    CASE
        WHEN tagged.split IS NULL THEN tagged.runs
        ELSE CAST(coalesce(counted.runs, 0) AS DECIMAL(12, 0)) * CAST(tagged.share AS DECIMAL(13, 12))
    END AS runs,
    CASE
        WHEN tagged.split IS NULL THEN tagged.run_seconds
        ELSE CAST(coalesce(counted.run_seconds, 0) AS DECIMAL(12, 0)) * CAST(tagged.share AS DECIMAL(13, 12))
    END AS run_seconds,
    CASE WHEN charge_type = 'compute' THEN credits ELSE 0 END AS compute_credits,
    CASE WHEN charge_type = 'dlc' THEN credits ELSE 0 END AS dlc_credits,
    CASE WHEN charge_type = 'user' THEN credits ELSE 0 END AS user_credits,
    CASE WHEN charge_type = 'storage' THEN credits ELSE 0 END AS storage_credits,
    CASE WHEN charge_type = 'network' THEN credits ELSE 0 END AS network_credits,
    CASE WHEN charge_type = 'lease' THEN credits ELSE 0 END AS lease_credits,
    CASE WHEN charge_type = 'lease_overage' THEN credits ELSE 0 END AS lease_overage_credits,
    CASE WHEN charge_type = 'ipranges' THEN credits ELSE 0 END AS ipranges_credits,
    CASE WHEN charge_type = 'other' THEN credits ELSE 0 END AS other_credits,
    CASE WHEN charge_type = 'compute' THEN cost_usd ELSE 0 END AS compute_cost_usd,
    CASE WHEN charge_type = 'dlc' THEN cost_usd ELSE 0 END AS dlc_cost_usd,
    CASE WHEN charge_type = 'user' THEN cost_usd ELSE 0 END AS user_cost_usd,
    CASE WHEN charge_type = 'storage' THEN cost_usd ELSE 0 END AS storage_cost_usd,
    CASE WHEN charge_type = 'network' THEN cost_usd ELSE 0 END AS network_cost_usd,
    CASE WHEN charge_type = 'lease' THEN cost_usd ELSE 0 END AS lease_cost_usd,
    CASE WHEN charge_type = 'lease_overage' THEN cost_usd ELSE 0 END AS lease_overage_cost_usd,
    CASE WHEN charge_type = 'ipranges' THEN cost_usd ELSE 0 END AS ipranges_cost_usd,
    CASE WHEN charge_type = 'other' THEN cost_usd ELSE 0 END AS other_cost_usd
FROM tagged
LEFT JOIN counted USING (source_row);
