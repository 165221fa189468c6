-- What has become of each lot by the last known day, the oldest first. Uncovered usage is no lot.
SELECT
    cost_center,
    lot,
    kind,
    bought_on,
    expires,
    invoice,
    bought_credits,
    bought_usd,
    CAST(sum(used_credits) AS DECIMAL(38, 6)) AS used_credits,
    CAST(sum(used_usd) AS DECIMAL(38, 6)) AS used_usd,
    CAST(sum(expired_credits) AS DECIMAL(38, 6)) AS expired_credits,
    CAST(sum(expired_usd) AS DECIMAL(38, 6)) AS expired_usd,
    arg_max(left_credits, date) AS left_credits,
    arg_max(left_usd, date) AS left_usd
FROM credit_lots
WHERE bought_on IS NOT NULL
GROUP BY ALL
ORDER BY cost_center, bought_on, expires, lot;
