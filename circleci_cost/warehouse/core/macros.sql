-- Macros that several statements use; made for each connection.
-- CircleCI delivers a day between 08:00 and 10:00 UTC of the next day; an earlier export holds little of it.
CREATE OR REPLACE TEMPORARY MACRO holds_whole_day(day, exported_at) AS exported_at >= day + INTERVAL 34 HOUR;

-- The cost centers of the configuration, which may have no day yet; NULL where the connection does not know them.
CREATE OR REPLACE TEMPORARY MACRO configured_cost_centers() AS CAST(getvariable('cost_centers') AS VARCHAR[]);

-- Nothing waits for a cost center that is no longer configured: its history is over.
CREATE OR REPLACE TEMPORARY MACRO is_configured(name) AS
    coalesce(list_contains(configured_cost_centers(), name), true);
