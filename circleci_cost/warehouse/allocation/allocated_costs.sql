-- The rows of one tag. A split moves money; counts stay at the source, on its row of share 0.
INSERT INTO allocated_costs BY NAME
SELECT
    charges.date,
    charges.cost_center,
    charges.organization_id,
    charges.organization,
    charges.project_id,
    charges.project,
    charges.workflow,
    charges.job,
    charges.branch,
    charges.resource_class,
    charges.executor,
    charges.operating_system,
    charges.trigger_source,
    charges.build_status,
    charges.unregistered,
    charges.charge_type,
    $tag AS tag,
    coalesce(shares.target, decisions.value) AS value,
    decisions.rule,
    decisions.value AS source_value,
    CASE WHEN shares.share IS NOT NULL THEN splits.label END AS split,
    coalesce(shares.share, 1) AS share,
    coalesce(shares.share_until, 1) AS share_until,
    charges.daily_row * 9 + charges.charge_number AS source_row,
    CASE WHEN charge_number = 0 AND coalesce(shares.share, 0) = 0 THEN charges.jobs ELSE 0 END AS jobs,
    CASE WHEN charge_number = 0 AND coalesce(shares.share, 0) = 0 THEN charges.runs ELSE 0 END AS runs,
    CASE WHEN charge_number = 0 AND coalesce(shares.share, 0) = 0 THEN charges.run_seconds ELSE 0 END AS run_seconds,
    CASE
        WHEN shares.share IS NULL THEN charges.charged
        ELSE part_of_credits(charges.charged, shares.share_until, shares.share)
    END AS credits,
    charges.price_per_credit,
    CASE
        WHEN shares.share IS NULL THEN charges.charged_usd
        ELSE part_of_cost(charges.charged_usd, shares.share_until, shares.share)
    END AS cost_usd
FROM charge_type_rows AS charges
JOIN allocation_keys AS keys USING (daily_row)
JOIN allocation_decisions AS decisions
    ON keys.combination * $kinds + list_extract($kind_of, charges.charge_number + 1) = decisions.key
LEFT JOIN allocation_splits AS splits USING (split)
LEFT JOIN allocation_shares AS shares
    ON decisions.split = shares.split
    AND charges.date = shares.date
    AND CASE splits.within
        WHEN 'cost_center' THEN charges.cost_center
        WHEN 'organization' THEN coalesce(charges.organization, charges.organization_id)
        ELSE ''
    END = shares.part;
