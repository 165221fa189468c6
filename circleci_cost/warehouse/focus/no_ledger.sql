-- Stands for the ledger of credits in a generation that an earlier version published.
CREATE OR REPLACE TEMPORARY VIEW focus_no_ledger AS
SELECT
    CAST(NULL AS VARCHAR) AS cost_center,
    CAST(NULL AS VARCHAR) AS lot,
    CAST(NULL AS VARCHAR) AS kind,
    CAST(NULL AS DATE) AS date,
    CAST(NULL AS DATE) AS bought_on,
    CAST(NULL AS DATE) AS expires,
    CAST(NULL AS VARCHAR) AS invoice,
    CAST(NULL AS DECIMAL(19, 6)) AS bought_credits,
    CAST(NULL AS DECIMAL(18, 6)) AS bought_usd,
    CAST(NULL AS DECIMAL(19, 6)) AS expired_credits,
    CAST(NULL AS DECIMAL(18, 6)) AS expired_usd
WHERE false;
