-- What runs of one container and of a minute or more show of each class's rate; shorter ones show how they were rounded.
SELECT
    executor,
    resource_class,
    count(*) AS runs,
    CAST(sum(seconds) AS BIGINT) AS seconds,
    CAST(sum(compute_credits) AS DECIMAL(38, 6)) AS credits
FROM class_runs
WHERE parallelism = 1
    AND seconds >= 60
    AND executor IS NOT NULL
    AND resource_class IS NOT NULL
GROUP BY ALL;
