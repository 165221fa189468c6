-- The coming days of each budget as they were forecast from the same data.
SELECT
    cost_forecast.series AS budget,
    cost_forecast.date,
    cost_forecast.median
FROM cost_forecast
INNER JOIN forecast_totals USING (series_kind, series, unit)
WHERE cost_forecast.series_kind = 'budget'
    AND forecast_totals.data_through = $data_through
ORDER BY ALL;
