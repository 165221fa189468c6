-- The states of the periods that are asked for: the running ones, the last finished ones, or all.
SELECT *
FROM budget_status
QUALIFY
    CASE $periods
        WHEN 'current' THEN period_end > data_through
        WHEN 'last' THEN period_end
            = max(period_end) FILTER (WHERE period_end <= data_through) OVER (PARTITION BY budget)
        ELSE true
    END
ORDER BY period_start, budget;
