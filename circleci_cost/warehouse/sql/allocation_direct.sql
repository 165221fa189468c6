-- What each value of the tag comes to on each day before any split; `split` is the one that takes it elsewhere.
CREATE OR REPLACE TEMPORARY TABLE allocation_direct AS
SELECT
    days.date,
    days.cost_center,
    days.organization,
    decisions.value,
    decisions.split,
    sum(days.credits) AS credits,
    sum(days.unpriced_credits) AS unpriced_credits,
    sum(days.cost_usd) AS cost_usd,
    sum(days.runs) AS runs,
    sum(days.run_seconds) AS run_seconds
FROM allocation_days AS days
JOIN allocation_decisions AS decisions USING (key)
GROUP BY ALL;
