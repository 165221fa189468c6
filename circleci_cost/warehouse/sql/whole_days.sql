-- CircleCI brings a day between 08:00 and 10:00 UTC of the next one; an earlier export holds little of it.
CREATE OR REPLACE TEMPORARY MACRO holds_whole_day(day, exported_at) AS exported_at >= day + INTERVAL 34 HOUR;
