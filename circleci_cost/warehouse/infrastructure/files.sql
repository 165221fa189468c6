-- The present files of each source, the newest costs first.
SELECT
    source,
    path,
    rows,
    left_out,
    spread,
    first_date,
    last_date,
    read_at
FROM infrastructure_files
ORDER BY source, last_date DESC NULLS LAST, path;
