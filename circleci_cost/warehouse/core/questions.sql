-- What questions about costs rest on. Dimensions as they are shown: an id where there is no name, '(none)' where there is
-- no value.
CREATE OR REPLACE TEMPORARY MACRO shown_dimensions(rows) AS TABLE
SELECT * REPLACE ({schema.shown_dimensions})
FROM query_table(rows);

-- Whether a value is among those that were asked for; without any, all are.
CREATE OR REPLACE TEMPORARY MACRO fits(asked, value) AS len(asked) = 0 OR list_contains(asked, value);
