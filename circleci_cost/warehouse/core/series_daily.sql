-- Daily costs, those of {costs}, with the seats' part of each in columns of its own.
CREATE OR REPLACE TEMPORARY VIEW series_daily AS
SELECT
    *,
    '' AS tag,
    user_credits AS seat_credits,
    user_cost_usd AS seat_cost_usd
FROM shown_dimensions('{costs}');
