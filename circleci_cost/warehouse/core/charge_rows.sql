-- Daily costs by charge type; no other place takes them apart. `credits` and `cost_usd` are those of `charge_type`;
-- `charge_number` is its place in the list of charge types, from 0. One row per charge type with credits, and always
-- one for the first, `compute`, which carries the counts.
CREATE OR REPLACE TEMPORARY MACRO charge_rows(rows) AS TABLE
SELECT COLUMNS(lambda name: NOT regexp_matches(name, '_credits$|^credits_squared$|_cost_usd$|superseded'))
FROM ({schema.charge_rows});
