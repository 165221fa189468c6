-- No split counts users.
CREATE OR REPLACE TEMPORARY TABLE allocation_users (
    date DATE,
    cost_center VARCHAR,
    organization VARCHAR,
    key BIGINT,
    user_id VARCHAR
);
