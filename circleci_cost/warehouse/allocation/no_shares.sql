-- The tag has no splits.
CREATE OR REPLACE TEMPORARY TABLE allocation_shares (
    split INTEGER,
    date DATE,
    part VARCHAR,
    target VARCHAR,
    share DECIMAL(18, 12),
    share_until DECIMAL(18, 12)
);
