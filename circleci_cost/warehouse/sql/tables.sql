-- The tables of the warehouse. Everything in it can be computed again from the lake and the configuration.
CREATE TABLE IF NOT EXISTS pricing_periods (
    cost_center VARCHAR NOT NULL,
    price_per_credit DECIMAL(18, 10) NOT NULL,
    effective_from DATE NOT NULL,
    effective_until DATE
);

CREATE TABLE IF NOT EXISTS daily_rates (
    cost_center VARCHAR NOT NULL,
    date DATE NOT NULL,
    price_per_credit DECIMAL(18, 10) NOT NULL,
    PRIMARY KEY (cost_center, date)
);

CREATE TABLE IF NOT EXISTS daily_costs (
    date DATE NOT NULL,
    cost_center VARCHAR NOT NULL,
    organization_id VARCHAR NOT NULL,
    organization VARCHAR,
    project_id VARCHAR NOT NULL,
    project VARCHAR,
    workflow VARCHAR,
    job VARCHAR,
    branch VARCHAR,
    resource_class VARCHAR,
    executor VARCHAR,
    operating_system VARCHAR,
    trigger_source VARCHAR,
    build_status VARCHAR,
    unregistered BOOLEAN,
    jobs BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    run_seconds BIGINT NOT NULL,
    compute_credits DECIMAL(38, 6) NOT NULL,
    dlc_credits DECIMAL(38, 6) NOT NULL,
    user_credits DECIMAL(38, 6) NOT NULL,
    storage_credits DECIMAL(38, 6) NOT NULL,
    network_credits DECIMAL(38, 6) NOT NULL,
    lease_credits DECIMAL(38, 6) NOT NULL,
    lease_overage_credits DECIMAL(38, 6) NOT NULL,
    ipranges_credits DECIMAL(38, 6) NOT NULL,
    other_credits DECIMAL(38, 6) NOT NULL,
    credits DECIMAL(38, 6) NOT NULL,
    price_per_credit DECIMAL(18, 10),
    compute_cost_usd DECIMAL(38, 16),
    dlc_cost_usd DECIMAL(38, 16),
    user_cost_usd DECIMAL(38, 16),
    storage_cost_usd DECIMAL(38, 16),
    network_cost_usd DECIMAL(38, 16),
    lease_cost_usd DECIMAL(38, 16),
    lease_overage_cost_usd DECIMAL(38, 16),
    ipranges_cost_usd DECIMAL(38, 16),
    other_cost_usd DECIMAL(38, 16),
    cost_usd DECIMAL(38, 16)
);

-- One row per cost center and day whose job runs are there, days without usage included; `complete` where the
-- export was made late enough to hold all of the day.
CREATE TABLE IF NOT EXISTS usage_days (
    cost_center VARCHAR NOT NULL,
    date DATE NOT NULL,
    jobs BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    credits DECIMAL(38, 6) NOT NULL,
    export_id VARCHAR NOT NULL,
    exported_at TIMESTAMP NOT NULL,
    costed_at TIMESTAMP NOT NULL,
    complete BOOLEAN NOT NULL,
    PRIMARY KEY (cost_center, date)
);

-- Version 0.1 had no such column; its schedule ran after the day was there.
ALTER TABLE usage_days ADD COLUMN IF NOT EXISTS complete BOOLEAN DEFAULT true;

-- The newest name that an export gave to an organization or a project.
CREATE TABLE IF NOT EXISTS dimension_names (
    dimension VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    named_at TIMESTAMP NOT NULL,
    PRIMARY KEY (dimension, id)
);
