-- One row for each charge type of a daily cost of {costs} that has credits.
CREATE OR REPLACE TEMPORARY VIEW series_charges AS
SELECT
    * REPLACE ({schema.shown_dimensions}),
    '' AS tag,
    CASE WHEN charge_type = 'user' THEN credits ELSE 0 END AS seat_credits,
    CASE WHEN charge_type = 'user' THEN cost_usd ELSE 0 END AS seat_cost_usd
FROM charge_rows('{costs}')
WHERE credits <> 0;
