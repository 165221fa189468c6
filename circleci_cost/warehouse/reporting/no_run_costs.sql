-- What `run_days_changed` and `run_costs` are where none of the days has job runs.
CREATE OR REPLACE TEMPORARY TABLE run_days_changed AS
SELECT DISTINCT date, cost_center
FROM daily_costs
SEMI JOIN run_days USING (date);

CREATE OR REPLACE TEMPORARY VIEW run_costs AS
SELECT
    *,
    {none}
FROM daily_costs
SEMI JOIN run_days_changed USING (date, cost_center);
