-- What the ledger of credits tells beside usage: each lot when it was bought, and what of it expired unused. A generation
-- without a ledger has neither; `{ledger}` is its table, or one without rows.
CREATE OR REPLACE TEMPORARY TABLE focus_lots AS
SELECT DISTINCT
    bought_on AS date,
    'Purchase' AS category,
    cost_center,
    lot,
    kind,
    invoice,
    bought_on,
    expires,
    CAST(bought_credits AS DECIMAL(28, 6)) AS credits,
    CAST(bought_usd AS DECIMAL(38, 16)) AS usd
FROM {ledger}
WHERE bought_credits > 0
UNION ALL
SELECT
    date,
    'Usage' AS category,
    cost_center,
    lot,
    kind,
    invoice,
    bought_on,
    expires,
    CAST(expired_credits AS DECIMAL(28, 6)) AS credits,
    CAST(expired_usd AS DECIMAL(38, 16)) AS usd
FROM {ledger}
WHERE expired_credits > 0;
