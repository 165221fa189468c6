-- Gives each charge the number under which the virtual tags know its daily cost and charge type.
CREATE OR REPLACE TEMPORARY TABLE focus_charges AS
SELECT
    charges.*,
    keys.source_row
FROM focus_charges AS charges
JOIN (
    SELECT DISTINCT
        date,
        {schema.dimension_keys},
        unregistered,
        charge_type,
        source_row
    FROM allocated_costs
    WHERE tag = $tag AND date BETWEEN $first AND $last
) AS keys
    ON charges.date = keys.date
    AND charges.charge_type = keys.charge_type
    AND {schema.charge_has_keys};
