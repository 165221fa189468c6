-- What a report by charge type groups: one row for each charge type with credits. Jobs have all charge types.
CREATE OR REPLACE TEMPORARY VIEW report_rows AS
SELECT
    * EXCLUDE (charge) REPLACE (
        0 AS jobs,
        0 AS runs,
        charge.credits AS credits,
        charge.cost_usd AS cost_usd
    ),
    charge.charge_type AS charge_type,
    CAST([] AS VARCHAR[]) AS tags
FROM shown_dimensions('daily_charges')
WHERE charge.credits <> 0;
