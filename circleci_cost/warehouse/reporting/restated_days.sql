-- What later exports changed about each day, all cost centers together, where it is at least $share of its credits.
WITH restated AS (
    SELECT
        date,
        sum(jobs_added) AS added,
        sum(jobs_removed) AS removed,
        sum(jobs_changed) AS changed,
        sum(credits_added) - sum(credits_removed) + sum(credits_changed) AS change
    FROM usage_restatements
    WHERE date BETWEEN $first AND $last
    GROUP BY date
),

days AS (
    SELECT
        date,
        sum(credits) AS credits
    FROM usage_days
    WHERE date BETWEEN $first AND $last
    GROUP BY date
)

SELECT
    restated.date,
    CAST(restated.added AS BIGINT) AS added,
    CAST(restated.removed AS BIGINT) AS removed,
    CAST(restated.changed AS BIGINT) AS changed,
    restated.change,
    days.credits - restated.change AS before
FROM restated
JOIN days USING (date)
WHERE restated.change <> 0
    AND abs(restated.change) >= $share * (days.credits - restated.change)
ORDER BY restated.date;
