-- Daily costs of each service, and of its sub accounts and tag values where it has several. From the first day of a
-- series, days on which its source has other costs only are 0; the source's newest day is left out, as it may still
-- grow.
WITH through AS (
    SELECT source, max(last_date) AS newest
    FROM infrastructure_files
    GROUP BY source
),
costs AS (
    SELECT
        source,
        date,
        concat_ws(' · ', source, CASE WHEN providers > 1 THEN provider END, service) AS service,
        coalesce(sub_account, '(none)') AS sub_account,
        tag || ' = ' || coalesce(tag_value, '(none)') AS tag_value,
        cost_usd
    FROM infrastructure_costs
    JOIN through USING (source)
    JOIN (
        SELECT source, count(DISTINCT provider) AS providers
        FROM infrastructure_costs
        GROUP BY source
    ) USING (source)
    WHERE date < newest
),
splits AS (
    SELECT
        service,
        count(DISTINCT sub_account) > 1 AS by_sub_account,
        count(DISTINCT tag_value) > 1 AS by_tag_value
    FROM costs
    GROUP BY service
),
named AS (
    SELECT source, service AS series, date, cost_usd
    FROM costs
    UNION ALL
    SELECT source, service || ' · ' || sub_account, date, cost_usd
    FROM costs
    JOIN splits USING (service)
    WHERE by_sub_account
    UNION ALL
    SELECT source, service || ' · ' || tag_value, date, cost_usd
    FROM costs
    JOIN splits USING (service)
    WHERE by_tag_value AND tag_value IS NOT NULL
),
daily AS (
    SELECT source, series, date, sum(cost_usd) AS cost
    FROM named
    GROUP BY source, series, date
),
starts AS (
    SELECT source, series, min(date) AS first_date
    FROM daily
    GROUP BY source, series
),
days AS (
    SELECT DISTINCT source, date
    FROM costs
)
SELECT starts.series, days.date, coalesce(daily.cost, 0) AS cost
FROM starts
JOIN days ON starts.source = days.source AND days.date >= starts.first_date
LEFT JOIN daily ON daily.series = starts.series AND daily.date = days.date
ORDER BY series, date;
