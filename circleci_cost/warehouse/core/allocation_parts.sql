-- The part of an amount that falls to a share; `until` is the sum of the shares up to and including it. A part is the
-- rounded amount up to this share less the rounded amount up to the one before, so that all parts add up to the amount,
-- to the last digit.
CREATE OR REPLACE TEMPORARY MACRO part_of_cost(cost, until, share) AS
    round(CAST(cost AS DECIMAL(25, 16)) * CAST(until AS DECIMAL(13, 12)), 16)
    - round(CAST(cost AS DECIMAL(25, 16)) * CAST(until - share AS DECIMAL(13, 12)), 16);

CREATE OR REPLACE TEMPORARY MACRO part_of_credits(amount, until, share) AS
    round(CAST(amount AS DECIMAL(25, 6)) * CAST(until AS DECIMAL(13, 12)), 6)
    - round(CAST(amount AS DECIMAL(25, 6)) * CAST(until - share AS DECIMAL(13, 12)), 6);

-- The group that a split stays inside, as its `within` says: a cost center, an organization, or all costs together.
CREATE OR REPLACE TEMPORARY MACRO split_within(within, cost_center, organization) AS
    CASE within WHEN 'cost_center' THEN cost_center WHEN 'organization' THEN organization ELSE '' END;
