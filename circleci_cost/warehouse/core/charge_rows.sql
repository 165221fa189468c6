-- Daily costs by charge type; no other place takes them apart. `credits` and `cost_usd` are those of `charge_type`;
-- `charge_number` is its place in the list of charge types, from 0. One row per charge type with credits, and always
-- one for the first, `compute`, which carries the counts. The rows are read once for all charge types.
CREATE OR REPLACE TEMPORARY MACRO charge_rows(rows) AS TABLE
SELECT
    charge.charge_number,
    charge.charge_type,
    COLUMNS(lambda name: NOT regexp_matches(name, '_credits$|^credits_squared$|_cost_usd$|superseded|^charge$'))
FROM (
    SELECT
        * REPLACE (charge.credits AS credits, charge.cost_usd AS cost_usd)
    FROM (
        SELECT *, unnest([
        {schema.charges}
        ]) AS charge
        FROM query_table(rows)
    )
    WHERE charge.charge_number = 0 OR charge.credits <> 0
);
