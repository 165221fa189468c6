-- The tables that only a published generation has.
-- What later exports changed in days that earlier ones had; filled for a publication.
CREATE TABLE IF NOT EXISTS usage_restatements (
    cost_center VARCHAR NOT NULL,
    date DATE NOT NULL,
    export_id VARCHAR NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    jobs_added BIGINT NOT NULL,
    jobs_removed BIGINT NOT NULL,
    jobs_changed BIGINT NOT NULL,
    credits_added DECIMAL(38, 6) NOT NULL,
    credits_removed DECIMAL(38, 6) NOT NULL,
    credits_changed DECIMAL(38, 6) NOT NULL
);

-- All values of every dimension, id and virtual tag; filled for a publication.
CREATE TABLE IF NOT EXISTS dimension_values (
    dimension VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    first_date DATE NOT NULL,
    last_date DATE NOT NULL,
    credits DECIMAL(38, 6) NOT NULL
);
