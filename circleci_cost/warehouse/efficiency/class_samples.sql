-- The seconds of each job's sampled runs by their use of CPU, in whole percent.
SELECT
    key,
    round(cpu_median) AS cpu_median,
    round(coalesce(cpu_max, cpu_median)) AS cpu_max,
    CAST(sum(seconds) AS BIGINT) AS seconds
FROM class_runs
WHERE sampled
GROUP BY ALL;
