-- What is watched: the series whose cost is judged, and since when there are complete days.
SELECT
    (SELECT count(DISTINCT (series_kind, cost_center, series)) FROM cost_anomalies WHERE measure = 'cost') AS series,
    (SELECT min(date) FROM usage_days WHERE complete) AS since;
