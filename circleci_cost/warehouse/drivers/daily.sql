-- What changes in cost are explained from: daily costs with their dimensions as shown.
CREATE OR REPLACE TEMPORARY VIEW driver_source AS
SELECT
    *,
    CAST(NULL AS VARCHAR) AS value
FROM shown_dimensions('daily_costs');
