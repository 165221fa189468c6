-- Those of $days whose costs were computed by $rules of the files that they have now, $checksums.
SELECT usage_days.date
FROM usage_days
JOIN (SELECT unnest($days) AS date, unnest($checksums) AS job_runs_sha256) AS files
    ON usage_days.date = files.date
    AND usage_days.job_runs_sha256 = files.job_runs_sha256
WHERE usage_days.cost_center = $cost_center
    AND usage_days.computed_by = $rules;
