-- What the days of one series to the end of the month may cost, together and day by day; the days in order.
SELECT
    totals.data_through,
    totals.until,
    totals.median,
    totals.p10,
    totals.p90,
    days.date,
    days.median AS day_median,
    days.p10 AS day_p10,
    days.p90 AS day_p90
FROM forecast_totals AS totals
LEFT JOIN cost_forecast AS days
    ON totals.series_kind = days.series_kind
    AND totals.series = days.series
    AND totals.unit = days.unit
    AND days.date BETWEEN totals.data_through AND totals.until
WHERE totals.series_kind = $series_kind
    AND totals.series = $series
    AND totals.unit = $unit
ORDER BY days.date;
