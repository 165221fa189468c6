-- Which combinations of values fit which budgets: each combination is compared once with the conditions of all.
-- {names} are our own columns; {fits} is a list with the number of each budget whose conditions hold, else NULL.
CREATE OR REPLACE TEMPORARY TABLE series_members AS
WITH combinations AS (
    SELECT DISTINCT {names} FROM series_groups
),

compared AS (
    SELECT
        {names},
        unnest([{fits}]) AS number
    FROM combinations
)

SELECT * FROM compared WHERE number IS NOT NULL;
