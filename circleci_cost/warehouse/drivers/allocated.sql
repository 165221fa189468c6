-- What changes in cost are explained from for one virtual tag: allocated costs, each charge type in its own columns. A
-- split leaves the runs at the source; here each part takes its share of them, so that its cost per run stays the same.
CREATE OR REPLACE TEMPORARY VIEW driver_source AS
WITH tagged AS (
    SELECT * FROM shown_dimensions('allocated_costs') WHERE tag = getvariable('driver_tag')
),

counted AS (
    SELECT
        source_row,
        runs,
        run_seconds
    FROM tagged
    WHERE split IS NOT NULL AND share = 0
)

SELECT
    tagged.* REPLACE (
        CASE
            WHEN tagged.split IS NULL THEN tagged.runs
            ELSE CAST(coalesce(counted.runs, 0) AS DECIMAL(12, 0)) * CAST(tagged.share AS DECIMAL(13, 12))
        END AS runs,
        CASE
            WHEN tagged.split IS NULL THEN tagged.run_seconds
            ELSE CAST(coalesce(counted.run_seconds, 0) AS DECIMAL(12, 0)) * CAST(tagged.share AS DECIMAL(13, 12))
        END AS run_seconds
    ),
    {schema.charges_in_columns}
FROM tagged
LEFT JOIN counted USING (source_row);
