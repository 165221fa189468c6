-- What is to come of each budget until its current period ends, as it was forecast from the same data.
SELECT * EXCLUDE (series_kind, data_through)
FROM forecast_totals
WHERE series_kind = 'budget'
    AND data_through = $data_through;
