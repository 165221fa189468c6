-- Macros for questions about costs. Dimensions as they are shown: the id where there is no name, '(none)' where there
-- is no value.
CREATE OR REPLACE TEMPORARY MACRO shown_dimensions(rows) AS TABLE
SELECT * REPLACE ({schema.shown_dimensions})
FROM query_table(rows);

-- Whether a value is among those asked for; without any, every value fits.
CREATE OR REPLACE TEMPORARY MACRO fits(asked, value) AS len(asked) = 0 OR list_contains(asked, value);
