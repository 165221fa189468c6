-- Stands for the charges of job runs where no day has any, such as a month in which credits were only bought.
CREATE OR REPLACE TEMPORARY TABLE focus_charges AS
SELECT
    *,
    CAST(NULL AS VARCHAR) AS job_id,
    CAST(NULL AS BIGINT) AS job_run_number,
    CAST(NULL AS VARCHAR) AS workflow_id,
    CAST(NULL AS VARCHAR) AS pipeline_id,
    CAST(NULL AS BIGINT) AS pipeline_number,
    CAST(NULL AS VARCHAR) AS trigger_user_id,
    CAST(NULL AS TIMESTAMP) AS started_at,
    CAST(NULL AS TIMESTAMP) AS stopped_at
FROM focus_charges
WHERE false;
