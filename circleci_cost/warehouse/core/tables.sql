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
    {schema.dimension_definitions},
    unregistered BOOLEAN,
    jobs BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    run_seconds BIGINT NOT NULL,
    {schema.credits_definitions},
    credits DECIMAL(38, 6) NOT NULL,
    -- NULL in rows of early versions, as what is superseded: `reprice` makes them again (see unfilled_days.sql).
    credits_squared DECIMAL(38, 4),
    superseded_jobs BIGINT,
    superseded_runs BIGINT,
    superseded_run_seconds BIGINT,
    credits_superseded DECIMAL(38, 6),
    dlc_credits_superseded DECIMAL(38, 6),
    price_per_credit DECIMAL(18, 10),
    {schema.cost_definitions},
    cost_usd DECIMAL(38, 16)
);

-- One row per cost center and day that was read, days without usage included; `complete` where the export was made
-- late enough to hold all of the day, `settled` where CircleCI no longer restated it then.
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
    -- Unknown for days that early versions wrote; the next run of their cost center fills it in.
    settled BOOLEAN,
    -- Of the file that the costs were computed of; unknown where an earlier version wrote it or computed them.
    job_runs_sha256 VARCHAR,
    -- The mark of what computed them; unknown where an earlier version did, or where they do not add up.
    computed_by VARCHAR,
    PRIMARY KEY (cost_center, date)
);

-- The newest name that an export gave to an organization or a project.
CREATE TABLE IF NOT EXISTS dimension_names (
    dimension VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    named_at TIMESTAMP NOT NULL,
    PRIMARY KEY (dimension, id)
);

-- One row per daily cost, charge type and virtual tag, after the split: see `allocated_costs.sql`. Add up rows of one
-- tag only; they add up to daily_costs, to the last digit. `source_row` is the same for a daily cost and charge type
-- under every tag.
CREATE TABLE IF NOT EXISTS allocated_costs (
    date DATE NOT NULL,
    cost_center VARCHAR NOT NULL,
    {schema.dimension_definitions},
    unregistered BOOLEAN,
    charge_type VARCHAR NOT NULL,
    tag VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    source_value VARCHAR NOT NULL,
    split VARCHAR,
    share DECIMAL(18, 12) NOT NULL,
    share_until DECIMAL(18, 12) NOT NULL,
    source_row BIGINT NOT NULL,
    jobs BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    run_seconds BIGINT NOT NULL,
    credits DECIMAL(38, 6) NOT NULL,
    price_per_credit DECIMAL(18, 10),
    cost_usd DECIMAL(38, 16)
);

-- What each coming day may cost: for each budget to the end of its period, for the whole and its parts to the end of
-- the month. Daily p10 and p90 do not add up; those of the sum of the days are in `forecast_totals`.
CREATE TABLE IF NOT EXISTS cost_forecast (
    series_kind VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    date DATE NOT NULL,
    median DECIMAL(38, 6) NOT NULL,
    p10 DECIMAL(38, 6) NOT NULL,
    p90 DECIMAL(38, 6) NOT NULL
);

-- What the days from `data_through` to `until` may cost together; `quantiles` are those of the sum at fixed levels.
CREATE TABLE IF NOT EXISTS forecast_totals (
    series_kind VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    data_through DATE NOT NULL,
    until DATE NOT NULL,
    days INTEGER NOT NULL,
    median DECIMAL(38, 6) NOT NULL,
    p10 DECIMAL(38, 6) NOT NULL,
    p90 DECIMAL(38, 6) NOT NULL,
    p025 DECIMAL(38, 6) NOT NULL,
    p975 DECIMAL(38, 6) NOT NULL,
    quantiles DOUBLE[] NOT NULL,
    note VARCHAR
);

-- How well each method would have forecast the totals of past months once `cut_day` days of them were known.
CREATE TABLE IF NOT EXISTS forecast_backtests (
    unit VARCHAR NOT NULL,
    method VARCHAR NOT NULL,
    cut_day INTEGER NOT NULL,
    wape DOUBLE,
    coverage_80 DOUBLE,
    coverage_95 DOUBLE,
    windows INTEGER NOT NULL,
    chosen BOOLEAN NOT NULL
);

-- One row per budget and period that has an amount, from the start of the history to the current one. Actuals are
-- exact and reach to `data_through`; USD leave out credits without a price. Children are part of their parent.
CREATE TABLE IF NOT EXISTS budget_status (
    budget VARCHAR NOT NULL,
    owner VARCHAR,
    parent VARCHAR,
    period_kind VARCHAR NOT NULL,
    period VARCHAR NOT NULL,
    period_start DATE NOT NULL,
    period_end DATE NOT NULL,
    unit VARCHAR NOT NULL,
    amount DECIMAL(38, 6) NOT NULL,
    actual DECIMAL(38, 16) NOT NULL,
    unpriced_credits DECIMAL(38, 6) NOT NULL,
    days INTEGER NOT NULL,
    days_gone INTEGER NOT NULL,
    period_gone DECIMAL(18, 6) NOT NULL,
    prorated_budget DECIMAL(38, 6) NOT NULL,
    run_rate DECIMAL(38, 6),
    forecast_median DECIMAL(38, 6),
    forecast_p10 DECIMAL(38, 6),
    forecast_p90 DECIMAL(38, 6),
    overrun_probability DECIMAL(18, 6),
    overrun_date DATE,
    status VARCHAR NOT NULL,
    note VARCHAR,
    data_through DATE NOT NULL
);

-- What of each lot of credits was used, expired and left on each day, from its first to the one on which it is used up
-- or expires. Usage that no lot paid for is in rows of the kind 'uncovered': used credits add up to the usage.
CREATE TABLE IF NOT EXISTS credit_lots (
    cost_center VARCHAR NOT NULL,
    lot VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    date DATE NOT NULL,
    bought_on DATE,
    expires DATE,
    invoice VARCHAR,
    bought_credits DECIMAL(19, 6),
    bought_usd DECIMAL(18, 6),
    used_credits DECIMAL(38, 6) NOT NULL,
    used_usd DECIMAL(18, 6),
    expired_credits DECIMAL(19, 6),
    expired_usd DECIMAL(18, 6),
    left_credits DECIMAL(19, 6),
    left_usd DECIMAL(18, 6)
);

-- The state of each cost center's credits after `data_through`, and what is to come of it up to `horizon`.
CREATE TABLE IF NOT EXISTS credit_outlook (
    cost_center VARCHAR NOT NULL PRIMARY KEY,
    data_through DATE NOT NULL,
    horizon DATE NOT NULL,
    balance_credits DECIMAL(38, 6) NOT NULL,
    balance_usd DECIMAL(38, 6) NOT NULL,
    price_per_credit DECIMAL(18, 10),
    credits_per_day DECIMAL(38, 6),
    runs_out_on DATE,
    runs_out_earliest DATE,
    runs_out_latest DATE,
    auto_refill BOOLEAN NOT NULL,
    refill_on DATE,
    refill_credits DECIMAL(38, 6),
    stop_days INTEGER,
    stops_until DATE,
    expiring_credits DECIMAL(38, 6),
    expiring_usd DECIMAL(38, 6),
    expires_next DATE,
    top_up_credits DECIMAL(38, 6),
    top_up_usd DECIMAL(38, 6),
    top_up_until DATE,
    uncovered_credits DECIMAL(38, 6) NOT NULL,
    uncovered_before_credits DECIMAL(38, 6) NOT NULL
);

-- The days after `data_through`: expected usage, and the balance at the end of the day. `balance_low` is that of high
-- usage; uncovered and expired credits are those of the median.
CREATE TABLE IF NOT EXISTS credit_forecast (
    cost_center VARCHAR NOT NULL,
    date DATE NOT NULL,
    used_low DECIMAL(38, 6) NOT NULL,
    used_median DECIMAL(38, 6) NOT NULL,
    used_high DECIMAL(38, 6) NOT NULL,
    balance_low DECIMAL(38, 6) NOT NULL,
    balance_median DECIMAL(38, 6) NOT NULL,
    balance_high DECIMAL(38, 6) NOT NULL,
    uncovered_credits DECIMAL(38, 6) NOT NULL,
    expired_credits DECIMAL(38, 6) NOT NULL,
    expired_usd DECIMAL(38, 6) NOT NULL
);

-- Each invoice's days by cause, in the order of `position`: the computed cost, what leads from it to the invoice, and
-- what stays unexplained. The amounts of a period add up to `invoice_usd`, to the last digit.
CREATE TABLE IF NOT EXISTS reconciliation (
    cost_center VARCHAR NOT NULL,
    period_start DATE NOT NULL,
    period_end DATE NOT NULL,
    position INTEGER NOT NULL,
    cause VARCHAR NOT NULL,
    amount_usd DECIMAL(38, 16) NOT NULL,
    estimated BOOLEAN NOT NULL,
    note VARCHAR,
    invoice_usd DECIMAL(18, 6) NOT NULL,
    invoices VARCHAR,
    PRIMARY KEY (cost_center, period_start, period_end, cause)
);

-- How each day of each series was judged: the last 90 days, and every anomaly before them. `measure` is cost,
-- credits, runs, credits_per_run, minutes_per_run or credits_per_minute; add up nothing over levels of the hierarchy.
-- Cost is of run-bound usage, except for the series of a charge type. `value` is exact, the others are estimates.
CREATE TABLE IF NOT EXISTS cost_anomalies (
    measure VARCHAR NOT NULL,
    series_kind VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    cost_center VARCHAR,
    organization VARCHAR,
    project VARCHAR,
    workflow VARCHAR,
    job VARCHAR,
    executor VARCHAR,
    resource_class VARCHAR,
    charge_type VARCHAR,
    tag VARCHAR,
    tag_value VARCHAR,
    date DATE NOT NULL,
    value DECIMAL(38, 16),
    expected DECIMAL(38, 6),
    lower DECIMAL(38, 6),
    upper DECIMAL(38, 6),
    score DECIMAL(18, 4),
    direction VARCHAR,
    kind VARCHAR,
    is_anomaly BOOLEAN NOT NULL,
    note VARCHAR
);

-- One row per cause. `told_on` is the first day on which it was worth reporting; impacts are against what the same
-- weekdays were expected to cost before it began, negative for less. Incidents of different causes may cover the same
-- cost: do not add them up.
CREATE TABLE IF NOT EXISTS anomaly_incidents (
    incident_id VARCHAR NOT NULL,
    series_kind VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    cost_center VARCHAR,
    organization VARCHAR,
    project VARCHAR,
    workflow VARCHAR,
    job VARCHAR,
    charge_type VARCHAR,
    tag VARCHAR,
    tag_value VARCHAR,
    kind VARCHAR NOT NULL,
    direction VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    told_on DATE NOT NULL,
    actual_usd DECIMAL(38, 16) NOT NULL,
    expected_usd DECIMAL(38, 6) NOT NULL,
    impact_usd DECIMAL(38, 6) NOT NULL,
    impact_usd_per_day DECIMAL(38, 6) NOT NULL,
    told_usd_per_day DECIMAL(38, 6) NOT NULL,
    peak_usd_per_day DECIMAL(38, 6) NOT NULL,
    impact_share DECIMAL(18, 6),
    monthly_impact_usd DECIMAL(38, 6),
    score DECIMAL(18, 4) NOT NULL,
    alarms INTEGER NOT NULL,
    series_in_alarm INTEGER NOT NULL,
    reason VARCHAR,
    decided_until DATE,
    data_through DATE NOT NULL,
    PRIMARY KEY (incident_id)
);

-- The drivers of each incident, against the same weekdays of the four weeks before it. Rank 0 is the whole, with its
-- sentence, at the place of its root cause; from rank 1 on, the effects of single jobs and, last, the residual ('rest')
-- add up to its change, to the last digit.
CREATE TABLE IF NOT EXISTS anomaly_drivers (
    incident_id VARCHAR NOT NULL,
    rank INTEGER NOT NULL,
    cost_center VARCHAR,
    organization VARCHAR,
    project VARCHAR,
    workflow VARCHAR,
    job VARCHAR,
    driver VARCHAR NOT NULL,
    before_usd DECIMAL(38, 16),
    after_usd DECIMAL(38, 16),
    change_usd DECIMAL(38, 16),
    effect_usd DECIMAL(38, 16) NOT NULL,
    share DECIMAL(18, 6),
    sentence VARCHAR,
    example_urls VARCHAR[] NOT NULL,
    PRIMARY KEY (incident_id, rank)
);

-- What each file holds, in the billed currency; added up over files, these are the costs. Rows from a file's former
-- content stay only for charges that begin before the first day that the present files reach back to.
CREATE TABLE IF NOT EXISTS infrastructure_file_costs (
    source VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    begins DATE NOT NULL,
    date DATE NOT NULL,
    provider VARCHAR NOT NULL,
    service VARCHAR NOT NULL,
    service_category VARCHAR,
    sub_account VARCHAR,
    tag VARCHAR,
    tag_value VARCHAR,
    currency VARCHAR NOT NULL,
    cost DECIMAL(38, 22) NOT NULL
);

-- The present files of each source, as they were read last. Days are those on which a charge begins; `rows` is the
-- number of counted rows, `left_out` of purchases and taxes, `spread` of counted rows for more than a day.
CREATE TABLE IF NOT EXISTS infrastructure_files (
    source VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    read_as VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    spread BIGINT NOT NULL,
    first_date DATE,
    last_date DATE,
    read_at TIMESTAMP NOT NULL,
    PRIMARY KEY (source, path)
);

-- Infrastructure costs by day, source, provider, service, sub account and value of the source's tag, in the billed
-- currency and in USD. A charge for more than a day is spread over its days, also those to come.
CREATE TABLE IF NOT EXISTS infrastructure_costs (
    date DATE NOT NULL,
    source VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    service VARCHAR NOT NULL,
    service_category VARCHAR,
    sub_account VARCHAR,
    tag VARCHAR,
    tag_value VARCHAR,
    currency VARCHAR NOT NULL,
    cost DECIMAL(38, 16) NOT NULL,
    usd_per_unit DECIMAL(18, 12) NOT NULL,
    cost_usd DECIMAL(38, 16) NOT NULL
);

-- One row per CI series and infrastructure series. With a positive lag the infrastructure follows CI; lag, r, p and q
-- are NULL where the pair could not be compared, and the sentence says why. Moved with, never caused.
CREATE TABLE IF NOT EXISTS cost_correlations (
    ci_series VARCHAR NOT NULL,
    infrastructure_series VARCHAR NOT NULL,
    lag_days INTEGER,
    r DOUBLE,
    p_value DOUBLE,
    q_value DOUBLE,
    significant BOOLEAN NOT NULL,
    days INTEGER NOT NULL,
    sentence VARCHAR NOT NULL
);

-- One row per incident and infrastructure series whose level shifted around the incident's first day; `step` is
-- relative (0.25: a quarter more) and `date` the day within two days on which the level changed most.
CREATE TABLE IF NOT EXISTS incident_services (
    incident_id VARCHAR NOT NULL,
    infrastructure_series VARCHAR NOT NULL,
    date DATE NOT NULL,
    step DOUBLE NOT NULL,
    p_value DOUBLE NOT NULL,
    q_value DOUBLE NOT NULL,
    sentence VARCHAR NOT NULL
);

-- One row per job, class that it has and class that it could have, from the runs of the last 28 days. Minutes and savings
-- are estimates with a range; savings per month are against today's class, and those of one job exclude each other.
CREATE TABLE IF NOT EXISTS class_advice (
    cost_center VARCHAR NOT NULL,
    organization_id VARCHAR NOT NULL,
    organization VARCHAR NOT NULL,
    project_id VARCHAR NOT NULL,
    project VARCHAR NOT NULL,
    job VARCHAR,
    executor VARCHAR,
    resource_class VARCHAR,
    candidate VARCHAR,
    advice VARCHAR NOT NULL,
    best BOOLEAN NOT NULL,
    risk VARCHAR,
    reason VARCHAR NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    runs BIGINT NOT NULL,
    unsampled_share DOUBLE NOT NULL,
    success_rate DOUBLE,
    compute_credits DECIMAL(38, 6) NOT NULL,
    compute_cost_usd DECIMAL(38, 16),
    credits_per_minute DECIMAL(18, 6),
    candidate_credits_per_minute DECIMAL(18, 6),
    minutes_per_run DOUBLE NOT NULL,
    break_even_minutes DOUBLE,
    minutes_best DOUBLE,
    minutes_likely DOUBLE,
    minutes_worst DOUBLE,
    saving_credits DECIMAL(38, 6),
    saving_usd DECIMAL(38, 6),
    saving_low_usd DECIMAL(38, 6),
    saving_high_usd DECIMAL(38, 6),
    cpu_median DOUBLE,
    cpu_p95 DOUBLE,
    cpu_max DOUBLE,
    ram_median DOUBLE,
    ram_p95 DOUBLE,
    ram_max DOUBLE,
    vcpus DOUBLE,
    candidate_vcpus DOUBLE,
    ram_gb DOUBLE,
    candidate_ram_gb DOUBLE
);

-- One row per job and day from which on it ran with another class. Per run: those that succeeded, in compute credits.
-- Ratios are after to before, weekday and trend taken out, with bounds that hold in 95 of 100 cases.
CREATE TABLE IF NOT EXISTS class_changes (
    cost_center VARCHAR NOT NULL,
    organization_id VARCHAR NOT NULL,
    organization VARCHAR NOT NULL,
    project_id VARCHAR NOT NULL,
    project VARCHAR NOT NULL,
    job VARCHAR NOT NULL,
    date DATE NOT NULL,
    executor_before VARCHAR NOT NULL,
    resource_class_before VARCHAR NOT NULL,
    executor VARCHAR NOT NULL,
    resource_class VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    current BOOLEAN NOT NULL,
    days_before BIGINT NOT NULL,
    days_after BIGINT NOT NULL,
    runs_before BIGINT NOT NULL,
    runs_after BIGINT NOT NULL,
    minutes_before DOUBLE,
    minutes_after DOUBLE,
    minutes_ratio DOUBLE,
    minutes_ratio_low DOUBLE,
    minutes_ratio_high DOUBLE,
    usd_per_run_before DECIMAL(38, 6),
    usd_per_run_after DECIMAL(38, 6),
    cost_ratio DOUBLE,
    cost_ratio_low DOUBLE,
    cost_ratio_high DOUBLE,
    saving_usd DECIMAL(38, 6),
    saving_low_usd DECIMAL(38, 6),
    saving_high_usd DECIMAL(38, 6),
    saving_credits DECIMAL(38, 6),
    success_rate_before DOUBLE,
    success_rate_after DOUBLE,
    sentence VARCHAR NOT NULL
);

-- What was wasted, by day, job and cause; a run has one cause. Exclusive, so that sums stay within the cost.
CREATE TABLE IF NOT EXISTS waste (
    date DATE NOT NULL,
    cost_center VARCHAR NOT NULL,
    organization_id VARCHAR NOT NULL,
    organization VARCHAR,
    project_id VARCHAR NOT NULL,
    project VARCHAR,
    workflow VARCHAR,
    job VARCHAR,
    cause VARCHAR NOT NULL,
    jobs BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    run_seconds BIGINT NOT NULL,
    credits DECIMAL(38, 6) NOT NULL,
    price_per_credit DECIMAL(18, 10),
    cost_usd DECIMAL(38, 16)
);

-- How long the successful runs of jobs with Docker layer caching take with it and without, in the last quarter;
-- `saves_time` is NULL where there are too few of either.
CREATE TABLE IF NOT EXISTS dlc_evidence (
    cost_center VARCHAR NOT NULL,
    organization_id VARCHAR NOT NULL,
    project_id VARCHAR NOT NULL,
    workflow VARCHAR,
    job VARCHAR,
    executor VARCHAR,
    resource_class VARCHAR,
    first_date DATE NOT NULL,
    last_date DATE NOT NULL,
    runs_with BIGINT NOT NULL,
    runs_without BIGINT NOT NULL,
    median_seconds_with DOUBLE,
    median_seconds_without DOUBLE,
    saves_time BOOLEAN
);

-- For each table that is derived in full: the stamp of the daily costs that it was made from.
CREATE TABLE IF NOT EXISTS derived_from (
    derived VARCHAR NOT NULL PRIMARY KEY,
    costs_stamp VARCHAR NOT NULL
);
