-- All pairs of CI and infrastructure series, findings first, what could not be compared last.
SELECT
    ci_series,
    infrastructure_series,
    lag_days,
    r,
    p_value,
    q_value,
    significant,
    days,
    sentence
FROM cost_correlations
ORDER BY significant DESC, q_value NULLS LAST, p_value NULLS LAST, infrastructure_series, ci_series;
