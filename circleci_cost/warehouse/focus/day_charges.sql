-- The charges of daily costs without virtual tags: one row for each charge type that has credits.
CREATE OR REPLACE TEMPORARY TABLE focus_charges AS
SELECT
    * EXCLUDE (jobs),
    CAST(NULL AS VARCHAR) AS tags,
    CAST(NULL AS VARCHAR) AS rules,
    CAST(NULL AS VARCHAR) AS split
FROM charge_rows('daily_costs')
WHERE date BETWEEN $first AND $last
    AND price_per_credit IS NOT NULL
    AND credits <> 0;
