-- The part of an amount that a share takes, where the shares up to it come to `until`: what rounding gives up to the
-- share, less what it gives up to the share before. Such parts add up to the amount, to the last digit.
CREATE OR REPLACE TEMPORARY MACRO part_of_cost(cost, until, share) AS
    round(CAST(cost AS DECIMAL(25, 16)) * CAST(until AS DECIMAL(13, 12)), 16)
    - round(CAST(cost AS DECIMAL(25, 16)) * CAST(until - share AS DECIMAL(13, 12)), 16);

CREATE OR REPLACE TEMPORARY MACRO part_of_credits(amount, until, share) AS
    round(CAST(amount AS DECIMAL(25, 6)) * CAST(until AS DECIMAL(13, 12)), 6)
    - round(CAST(amount AS DECIMAL(25, 6)) * CAST(until - share AS DECIMAL(13, 12)), 6);

-- What a split is kept inside, as its `within` says: a cost center, an organization, or all costs together.
CREATE OR REPLACE TEMPORARY MACRO split_within(within, cost_center, organization) AS
    CASE within WHEN 'cost_center' THEN cost_center WHEN 'organization' THEN organization ELSE '' END;
