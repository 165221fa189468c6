-- The job runs and credits of the files of days, by the day that each file is of.
SELECT CAST(date AS DATE) AS date, count(*) AS jobs, CAST(sum(total_credits) AS DECIMAL(38, 6)) AS credits
FROM {schema.job_run_files}
GROUP BY date;
