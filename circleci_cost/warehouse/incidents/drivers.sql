-- What one incident is due to: the whole (rank 0), the largest effects of single jobs, and the residual.
SELECT
    rank,
    cost_center,
    organization,
    project,
    workflow,
    job,
    driver,
    before_usd,
    after_usd,
    change_usd,
    effect_usd,
    share,
    sentence,
    example_urls
FROM anomaly_drivers
WHERE incident_id = $incident_id
ORDER BY rank;
