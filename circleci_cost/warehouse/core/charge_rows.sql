-- Daily costs by charge type, the one place that takes them apart: `credits` and `cost_usd` are those of `charge_type`,
-- whose place in the list of charge types is `charge_number`, from 0. A row for each with credits, and always one for
-- the first, `compute`, which is the one that carries the counts.
CREATE OR REPLACE TEMPORARY MACRO charge_rows(rows) AS TABLE
SELECT COLUMNS(lambda name: NOT regexp_matches(name, '_credits$|^credits_squared$|_cost_usd$'))
FROM ({schema.charge_rows});
