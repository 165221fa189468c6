-- The days to come of one budget as they were forecast from the same data.
SELECT
    cost_forecast.date,
    cost_forecast.median,
    cost_forecast.p10,
    cost_forecast.p90
FROM cost_forecast
INNER JOIN forecast_totals USING (series_kind, series, unit)
WHERE cost_forecast.series_kind = 'budget'
    AND cost_forecast.series = $budget
    AND cost_forecast.unit = $unit
    AND forecast_totals.data_through = $data_through
ORDER BY cost_forecast.date;
