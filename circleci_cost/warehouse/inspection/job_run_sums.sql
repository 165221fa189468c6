-- What the job runs of each file come to, with every value of them read: a damaged page may hide in any column.
SELECT
    filename,
    count(*) AS jobs,
    coalesce(sum(total_credits), 0) AS credits,
    sum(hash(COLUMNS(*)))
FROM read_parquet($files, filename = true, hive_partitioning = false, union_by_name = true)
GROUP BY filename;
