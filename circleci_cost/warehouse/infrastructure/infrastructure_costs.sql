-- Adds up what the files of a source hold, at the rates of `day_rates`.
INSERT INTO infrastructure_costs BY NAME
WITH added AS (
    SELECT
        date,
        source,
        provider,
        service,
        max(service_category) AS service_category,
        sub_account,
        tag,
        tag_value,
        currency,
        CAST(sum(cost) AS DECIMAL(38, 16)) AS cost
    FROM infrastructure_file_costs
    WHERE source = $source
    GROUP BY date, source, provider, service, sub_account, tag, tag_value, currency
)
SELECT added.*, usd_per_unit, CAST(cost * usd_per_unit AS DECIMAL(38, 16)) AS cost_usd
FROM added
JOIN day_rates USING (currency, date)
ORDER BY date, provider, service, sub_account, tag_value, currency;
