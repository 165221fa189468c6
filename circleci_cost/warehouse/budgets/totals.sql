-- The forecast of each budget for the rest of its current period, made from the same data.
SELECT * EXCLUDE (series_kind, data_through)
FROM forecast_totals
WHERE series_kind = 'budget'
    AND data_through = $data_through;
