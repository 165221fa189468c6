-- What each combination comes to on each day, by what a split may be kept inside.
CREATE OR REPLACE TEMPORARY TABLE allocation_days AS
SELECT
    date,
    cost_center,
    organization,
    keys.combination * $kinds + list_extract($kind_of, charges.charge_number + 1) AS key,
    sum(charged) AS credits,
    coalesce(sum(charged) FILTER (WHERE price_per_credit IS NULL), 0) AS unpriced_credits,
    coalesce(sum(charged_usd), 0) AS cost_usd,
    CAST(coalesce(sum(runs) FILTER (WHERE charge_number = 0), 0) AS BIGINT) AS runs,
    CAST(coalesce(sum(run_seconds) FILTER (WHERE charge_number = 0), 0) AS BIGINT) AS run_seconds
FROM shown_dimensions('charge_type_rows') AS charges
JOIN allocation_keys AS keys USING (daily_row)
GROUP BY ALL;
