-- Removes what the present files of a source say anew or no longer say: all charges that begin on or after the first
-- day which these files reach back to, but for those of `unchanged_files`. What is older has been rotated away.
DELETE FROM infrastructure_file_costs
WHERE
    source = $source
    AND begins >= $first
    AND (path, sha256) NOT IN (SELECT (path, sha256) FROM unchanged_files);
