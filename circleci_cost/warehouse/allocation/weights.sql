-- The weight of each target of a split on each day, inside each group that `within` makes, for every method that the
-- split may use. Weights are whole numbers: decimals without their point.
CREATE OR REPLACE TEMPORARY TABLE allocation_weights AS
WITH direct AS (
    SELECT
        splits.split,
        direct.date,
        split_within(splits.within, direct.cost_center, direct.organization) AS part,
        direct.value AS target,
        sum(direct.credits) AS credits,
        sum(direct.unpriced_credits) AS unpriced_credits,
        sum(direct.cost_usd) AS cost_usd,
        sum(direct.runs) AS runs,
        sum(direct.run_seconds) AS run_seconds
    FROM allocation_splits AS splits
    CROSS JOIN allocation_direct AS direct
    WHERE direct.value NOT IN (SELECT source FROM allocation_splits)
        AND CASE
            WHEN splits.any_target THEN direct.value NOT IN ($default, 'unallocated')
            ELSE (splits.split, direct.value) IN (SELECT (split, target) FROM allocation_targets)
        END
    GROUP BY ALL
),

users AS (
    SELECT
        splits.split,
        users.date,
        split_within(splits.within, users.cost_center, users.organization) AS part,
        decisions.value AS target,
        count(DISTINCT users.user_id) AS users
    FROM allocation_splits AS splits
    CROSS JOIN allocation_users AS users
    JOIN allocation_decisions AS decisions USING (key)
    WHERE splits.measure = 'users'
    GROUP BY ALL
),

-- Credits give the proportion where dollar amounts would leave out unpriced credits.
proportional AS (
    SELECT
        split,
        date,
        part,
        target,
        CASE
            WHEN sum(unpriced_credits) OVER same = 0 AND sum(cost_usd) OVER same > 0 THEN CAST(cost_usd AS VARCHAR)
            ELSE CAST(credits AS VARCHAR)
        END AS amount
    FROM direct
    WINDOW same AS (PARTITION BY split, date, part)
),

weights AS (
    SELECT split, date, part, target, 'proportional' AS method, CAST(replace(amount, '.', '') AS HUGEINT) AS weight
    FROM proportional
    UNION ALL
    SELECT split, date, part, target, 'even', 1
    FROM direct
    JOIN allocation_splits AS splits USING (split)
    WHERE splits.any_target
    UNION ALL
    SELECT split, date, part, target, unnest(['even', 'fixed']), unnest([1, CAST(weight AS HUGEINT)])
    FROM allocation_groups
    JOIN allocation_targets AS targets USING (split)
    UNION ALL
    SELECT split, date, part, target, 'telemetry', CASE splits.measure WHEN 'runs' THEN runs ELSE run_seconds END
    FROM direct
    JOIN allocation_splits AS splits USING (split)
    WHERE splits.measure IN ('runs', 'minutes')
    UNION ALL
    SELECT users.split, users.date, users.part, users.target, 'telemetry', users.users
    FROM users
    SEMI JOIN direct USING (split, date, part, target)
    UNION ALL
    SELECT
        split,
        amounts.date,
        groups.part,
        amounts.key,
        'telemetry',
        CAST(replace(CAST(amounts.amount AS VARCHAR), '.', '') AS HUGEINT)
    FROM allocation_amounts AS amounts
    JOIN allocation_splits AS splits USING (split)
    JOIN (SELECT DISTINCT split, part FROM allocation_groups) AS groups USING (split)
    WHERE amounts.key NOT IN (SELECT source FROM allocation_splits)
        AND (splits.any_target OR (split, amounts.key) IN (SELECT (split, target) FROM allocation_targets))
)

SELECT * FROM weights
WHERE weight > 0;
