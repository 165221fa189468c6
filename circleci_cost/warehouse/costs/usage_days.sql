-- One row per day that was written, days without usage included. `sources` is a frame of the days' exports, `counted` one
-- of their job runs as the files have them.
INSERT OR REPLACE INTO usage_days BY NAME
SELECT
    sources.cost_center,
    sources.date,
    coalesce(sum(daily_costs.jobs), 0) AS jobs,
    coalesce(sum(daily_costs.runs), 0) AS runs,
    coalesce(sum(daily_costs.credits), 0) AS credits,
    sources.export_id,
    sources.exported_at,
    sources.costed_at,
    holds_whole_day(sources.date, sources.exported_at) AS complete,
    sources.settled,
    sources.job_runs_sha256,
    -- Costs that do not add up stop the run; those of the next one must not rest on them.
    CASE
        WHEN coalesce(sum(daily_costs.jobs), 0) = coalesce(any_value(counted.jobs), 0)
            AND coalesce(sum(daily_costs.credits), 0) = coalesce(any_value(counted.credits), 0)
            AND sum(daily_costs.credits) IS NOT DISTINCT FROM sum({schema.credits_of_all_types})
            AND sum(daily_costs.cost_usd) IS NOT DISTINCT FROM sum({schema.cost_of_all_types})
            THEN sources.computed_by
    END AS computed_by
FROM sources
LEFT JOIN counted ON sources.date = counted.date
LEFT JOIN daily_costs
    ON sources.cost_center = daily_costs.cost_center
    AND sources.date = daily_costs.date
GROUP BY sources.cost_center, sources.date, sources.export_id, sources.exported_at, sources.costed_at,
    sources.settled, sources.job_runs_sha256, sources.computed_by;
