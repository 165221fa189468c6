-- The runs and compute credits of each job on each day of some comparisons; the rows are those of `scoped`.
SELECT
    days.comparison,
    rows.cost_center,
    rows.organization,
    rows.project,
    rows.workflow,
    rows.job,
    rows.date,
    sum(rows.runs) AS runs,
    sum(rows.compute_credits) AS credits
{scoped}
GROUP BY ALL;
