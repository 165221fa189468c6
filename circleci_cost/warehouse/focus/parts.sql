-- Rows in order, each with the number of the file that it goes to. With a limit of bytes, a row weighs what it may take
-- in a file, and at least its share of the largest number of rows: files that weigh no more than the limit keep both.
CREATE OR REPLACE TEMPORARY TABLE focus_parts AS
WITH placed AS (
    SELECT {columns}, row_number() OVER (ORDER BY {order}) - 1 AS focus_place
    FROM {source}
),

weighed AS (
    SELECT *, greatest({bytes}, $most_bytes // $most_rows + 1) AS focus_weight
    FROM placed
),

added AS (
    SELECT
        *,
        sum(focus_weight) OVER (ORDER BY focus_place ROWS UNBOUNDED PRECEDING) - focus_weight AS focus_before,
        max(focus_weight) OVER () AS focus_heaviest
    FROM weighed
),

numbered AS (
    SELECT
        * EXCLUDE (focus_weight, focus_before, focus_heaviest),
        CASE
            WHEN $most_bytes IS NULL THEN focus_place // $most_rows
            ELSE focus_before // greatest($most_bytes - $header - focus_heaviest, 1)
        END AS focus_number
    FROM added
)

SELECT
    * EXCLUDE (focus_place, focus_number),
    -- A row that weighs more than what is left beside the heaviest one skips a number.
    dense_rank() OVER (ORDER BY focus_number) - 1 AS focus_file
FROM numbered
ORDER BY focus_place;
