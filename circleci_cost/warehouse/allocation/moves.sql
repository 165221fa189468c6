-- How much moved from which value to which: inside each daily cost and charge type, the losses are laid end to end
-- against the gains. Both have the same sum, so the moves add up to it, to the last digit. A tag that was added or
-- removed has no moves.
WITH changes AS (
    SELECT
        tag,
        source,
        value,
        after - before AS change
    FROM allocation_sides
    WHERE after <> before
),

ends AS (
    SELECT
        tag,
        source,
        value,
        change,
        sum(abs(change)) OVER (PARTITION BY tag, source, sign(change) ORDER BY value) AS until
    FROM changes
),

losses AS (
    SELECT tag, source, value, until + change AS since, until FROM ends WHERE change < 0
),

gains AS (
    SELECT tag, source, value, until - change AS since, until FROM ends WHERE change > 0
)

SELECT
    losses.tag,
    losses.value AS from_value,
    gains.value AS to_value,
    sum(least(losses.until, gains.until) - greatest(losses.since, gains.since)) AS cost
FROM losses
JOIN gains
    ON losses.tag = gains.tag
    AND losses.source = gains.source
    AND losses.since < gains.until
    AND gains.since < losses.until
GROUP BY ALL
ORDER BY losses.tag, cost DESC, from_value, to_value;
