-- Whole-number weights keep sums exact.
CREATE OR REPLACE TEMPORARY MACRO weighed(amount, weight) AS
    sum(CAST(amount AS DECIMAL(26, 16)) * CAST(weight AS DECIMAL(12, 0)));
