-- Removes what the present files of a source replace or no longer hold: all charges that begin on or after the first
-- day that these files reach back to, except those of `unchanged_files`. The files of older charges were rotated away.
DELETE FROM infrastructure_file_costs
WHERE
    source = $source
    AND begins >= $first
    AND (path, sha256) NOT IN (SELECT (path, sha256) FROM unchanged_files);
