-- The published costs of the days, taken apart as the job runs are: {values} are the columns by which, {joined} is
-- what they need. A day whose job runs have changed keeps its costs as they are, with {none}: all sums are those of `daily_costs`.
-- A table: by charge types it is read once for each, and joining it anew each time took more memory than a page may
-- have. Costs are not in it: they would double it.
CREATE OR REPLACE TEMPORARY TABLE run_credits AS
SELECT
    parts.*,
    costs.organization,
    costs.project,
    {schema.computed_of_costs},
    costs.price_per_credit,
    {values}
FROM run_parts AS parts
JOIN daily_costs AS costs
    ON parts.date = costs.date
    AND {schema.part_has_keys}
ANTI JOIN run_days_changed AS changed
    ON parts.date = changed.date
    AND parts.cost_center = changed.cost_center
{joined};

DROP TABLE run_parts;

CREATE OR REPLACE TEMPORARY VIEW run_costs AS
SELECT
    *,
    CAST(COLUMNS('(.*)_credits$') AS DECIMAL(28, 6)) * price_per_credit AS '\1_cost_usd',
    CAST(credits AS DECIMAL(28, 6)) * price_per_credit AS cost_usd
FROM run_credits
UNION ALL BY NAME
SELECT
    *,
    {none}
FROM daily_costs
SEMI JOIN run_days_changed USING (date, cost_center);
