-- The costs of both periods of some comparisons by job, class and finer columns: each day by its weight. {finer} are
-- columns of our own, NULL where they are not asked for; the rows are those of `scoped`. Costs without a price have rows
-- of their own.
SELECT
    days.comparison,
    days.side,
    rows.cost_center,
    rows.organization,
    rows.project,
    rows.workflow,
    rows.job,
    rows.resource_class,
    rows.executor,
    {finer},
    rows.price_per_credit IS NULL AS unpriced,
    weighed(COLUMNS('^(runs|run_seconds|credits|cost_usd)$'), days.weight) AS '\1',
    weighed(COLUMNS('^(.*_(?:credits|cost_usd))$'), days.weight) AS '\1'
{scoped}
GROUP BY ALL;
