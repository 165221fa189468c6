-- The daily sums of each budget, over the combinations of values that fit it; $without_seats are the numbers of
-- the budgets that leave the seats out. {names} are our own columns.
WITH fitting AS (
    SELECT
        series_members.number,
        list_contains($without_seats, series_members.number) AS without_seats,
        series_groups.*
    FROM series_groups
    INNER JOIN series_members USING ({names})
)

SELECT
    number,
    date,
    sum(credits - CASE WHEN without_seats THEN seat_credits ELSE 0 END) AS credits,
    sum(cost_usd - CASE WHEN without_seats THEN seat_cost_usd ELSE 0 END) AS cost_usd,
    sum(unpriced_credits - CASE WHEN without_seats THEN unpriced_seat_credits ELSE 0 END) AS unpriced_credits
FROM fitting
GROUP BY ALL
ORDER BY ALL;
