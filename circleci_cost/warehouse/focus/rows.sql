-- Each charge as a FOCUS row, with the columns of all versions; {jobs} are those of single job runs. Columns that a lot
-- of credits does not name are null in its rows.
CREATE OR REPLACE TEMPORARY VIEW focus_rows AS
WITH settings AS (
    SELECT
        getvariable('focus_style') = 'credits' AS in_credits,
        CAST(getvariable('focus_list_price') AS DECIMAL(18, 10)) AS list_price
),

accounts AS (
    SELECT
        unnest(getvariable('focus_cost_centers')) AS cost_center,
        unnest(getvariable('focus_organizations')) AS organization_id
),

organizations AS (
    SELECT organization_id, any_value(organization) AS organization
    FROM daily_costs
    WHERE organization IS NOT NULL
    GROUP BY organization_id
),

charges AS (
    SELECT
        *,
        list_contains([{schema.booked_charge_types}], charge_type) AS booked,
        CASE
            WHEN charge_type = 'compute'
                THEN concat_ws(':', 'compute', coalesce(lower(executor), 'unknown'), coalesce(resource_class, 'unknown'))
            ELSE list_extract(getvariable('focus_skus'), charge_number + 1)
        END AS sku_id,
        list_extract(getvariable('focus_meters'), charge_number + 1) AS meter
    FROM focus_charges
)

SELECT
    CAST(0 AS DECIMAL(38, 16)) AS "BilledCost",
    coalesce(accounts.organization_id, charges.organization_id) AS "BillingAccountId",
    coalesce(payers.organization, charges.cost_center) AS "BillingAccountName",
    'Organization' AS "BillingAccountType",
    'USD' AS "BillingCurrency",
    timezone('UTC', date_trunc('month', CAST(charges.date AS TIMESTAMP)) + INTERVAL 1 MONTH) AS "BillingPeriodEnd",
    timezone('UTC', date_trunc('month', CAST(charges.date AS TIMESTAMP))) AS "BillingPeriodStart",
    'Usage' AS "ChargeCategory",
    CAST(NULL AS VARCHAR) AS "ChargeClass",
    concat_ws(
        ' ',
        charges.meter,
        CASE WHEN NOT charges.booked THEN 'of job ' || charges.job END,
        CASE WHEN NOT charges.booked THEN 'in workflow ' || charges.workflow END,
        'of project ' || coalesce(charges.project, charges.project_id)
    ) AS "ChargeDescription",
    'Usage-Based' AS "ChargeFrequency",
    timezone('UTC', CAST(charges.date AS TIMESTAMP) + INTERVAL 1 DAY) AS "ChargePeriodEnd",
    timezone('UTC', CAST(charges.date AS TIMESTAMP)) AS "ChargePeriodStart",
    CAST(NULL AS VARCHAR) AS "CommitmentDiscountStatus",
    charges.credits AS "ConsumedQuantity",
    'Credits' AS "ConsumedUnit",
    CAST(charges.credits AS DECIMAL(28, 6)) * charges.price_per_credit AS "ContractedCost",
    charges.price_per_credit AS "ContractedUnitPrice",
    charges.cost_usd AS "EffectiveCost",
    'CircleCI' AS "HostProviderName",
    CAST(NULL AS VARCHAR) AS "InvoiceDetailId",
    CAST(NULL AS VARCHAR) AS "InvoiceId",
    'CircleCI' AS "InvoiceIssuerName",
    CAST(charges.credits AS DECIMAL(28, 6)) * settings.list_price AS "ListCost",
    settings.list_price AS "ListUnitPrice",
    'Standard' AS "PricingCategory",
    CASE WHEN settings.in_credits THEN 'Credits' ELSE 'USD' END AS "PricingCurrency",
    CASE WHEN settings.in_credits THEN 1 ELSE charges.price_per_credit END AS "PricingCurrencyContractedUnitPrice",
    CASE WHEN settings.in_credits THEN CAST(charges.credits AS DECIMAL(38, 16)) ELSE charges.cost_usd END
        AS "PricingCurrencyEffectiveCost",
    CASE WHEN settings.in_credits THEN 1 ELSE settings.list_price END AS "PricingCurrencyListUnitPrice",
    charges.credits AS "PricingQuantity",
    'Credits' AS "PricingUnit",
    'CircleCI' AS "ProviderName",
    'CircleCI' AS "PublisherName",
    -- A charge that CircleCI only books on a job's row, such as a seat, is of no job.
    CASE
        WHEN NOT charges.booked AND charges.job IS NOT NULL
            THEN concat_ws(
                '/',
                charges.project_id,
                replace(replace(charges.workflow, '%', '%25'), '/', '%2F'),
                replace(replace(charges.job, '%', '%25'), '/', '%2F')
            )
    END AS "ResourceId",
    CASE WHEN NOT charges.booked THEN charges.job END AS "ResourceName",
    CASE WHEN NOT charges.booked AND charges.job IS NOT NULL THEN 'Job' END AS "ResourceType",
    'Developer Tools' AS "ServiceCategory",
    'CircleCI' AS "ServiceName",
    'CircleCI' AS "ServiceProviderName",
    'Continuous Integration and Deployment' AS "ServiceSubcategory",
    charges.sku_id AS "SkuId",
    charges.meter AS "SkuMeter",
    CASE
        WHEN charges.charge_type = 'compute' AND charges.resource_class IS NOT NULL
            THEN CAST(json_object('InstanceType', charges.resource_class, 'x_Executor', charges.executor) AS VARCHAR)
    END AS "SkuPriceDetails",
    charges.sku_id AS "SkuPriceId",
    charges.project_id AS "SubAccountId",
    coalesce(charges.project, charges.project_id) AS "SubAccountName",
    'Project' AS "SubAccountType",
    '{{' || charges.tags || '}}' AS "Tags",
    charges.cost_center AS "x_CostCenter",
    charges.charge_type AS "x_CreditType",
    charges.credits AS "x_Credits",
    timezone('UTC', days.exported_at) AS "x_DataAsOf",
    days.settled AS "x_IsFinal",
    charges.unregistered AS "x_IsUnregisteredUser",
    charges.job AS "x_JobName",
    CASE WHEN charges.charge_number = 0 THEN charges.runs END AS "x_JobRuns",
    charges.organization_id AS "x_OrganizationId",
    charges.organization AS "x_OrganizationName",
    periods.effective_from || '/' || coalesce(CAST(periods.effective_until AS VARCHAR), '..') AS "x_PricePeriod",
    '{{' || charges.rules || '}}' AS "x_RuleId",
    CASE WHEN charges.charge_number = 0 THEN charges.run_seconds END AS "x_RunSeconds",
    charges.split AS "x_SplitId",
    charges.workflow AS "x_WorkflowName",
    {schema.focus_dimensions},
    {jobs}
    charges.date AS focus_date,
    charges.charge_number AS focus_charge
FROM charges
CROSS JOIN settings
LEFT JOIN accounts ON charges.cost_center = accounts.cost_center
LEFT JOIN organizations AS payers
    ON coalesce(accounts.organization_id, charges.organization_id) = payers.organization_id
LEFT JOIN usage_days AS days ON charges.cost_center = days.cost_center AND charges.date = days.date
LEFT JOIN pricing_periods AS periods
    ON charges.cost_center = periods.cost_center
    AND charges.price_per_credit = periods.price_per_credit
    AND charges.date BETWEEN periods.effective_from AND coalesce(periods.effective_until, charges.date)
UNION ALL BY NAME
SELECT
    CASE WHEN lots.category = 'Purchase' THEN lots.usd ELSE 0 END AS "BilledCost",
    coalesce(accounts.organization_id, lots.cost_center) AS "BillingAccountId",
    coalesce(payers.organization, lots.cost_center) AS "BillingAccountName",
    'Organization' AS "BillingAccountType",
    'USD' AS "BillingCurrency",
    timezone('UTC', date_trunc('month', CAST(lots.date AS TIMESTAMP)) + INTERVAL 1 MONTH) AS "BillingPeriodEnd",
    timezone('UTC', date_trunc('month', CAST(lots.date AS TIMESTAMP))) AS "BillingPeriodStart",
    lots.category AS "ChargeCategory",
    CASE WHEN lots.category = 'Purchase' THEN 'Credits bought' ELSE 'Credits expired unused' END
    || ': ' || lots.kind || ', valid ' || lots.bought_on || ' to ' || lots.expires AS "ChargeDescription",
    'One-Time' AS "ChargeFrequency",
    timezone('UTC', CAST(CASE WHEN lots.category = 'Purchase' THEN lots.expires ELSE lots.date END AS TIMESTAMP)
    + INTERVAL 1 DAY) AS "ChargePeriodEnd",
    timezone('UTC', CAST(lots.date AS TIMESTAMP)) AS "ChargePeriodStart",
    CASE WHEN lots.category = 'Usage' THEN lots.credits END AS "ConsumedQuantity",
    CASE WHEN lots.category = 'Usage' THEN 'Credits' END AS "ConsumedUnit",
    lots.credits * lots.price AS "ContractedCost",
    lots.price AS "ContractedUnitPrice",
    CASE WHEN lots.category = 'Purchase' THEN 0 ELSE lots.usd END AS "EffectiveCost",
    'CircleCI' AS "HostProviderName",
    CASE WHEN lots.category = 'Purchase' THEN lots.invoice END AS "InvoiceId",
    'CircleCI' AS "InvoiceIssuerName",
    lots.credits * settings.list_price AS "ListCost",
    settings.list_price AS "ListUnitPrice",
    'Standard' AS "PricingCategory",
    CASE WHEN lots.in_credits THEN 'Credits' ELSE 'USD' END AS "PricingCurrency",
    CASE WHEN lots.in_credits THEN 1 ELSE lots.price END AS "PricingCurrencyContractedUnitPrice",
    CASE
        WHEN lots.category = 'Purchase' THEN 0
        WHEN lots.in_credits THEN lots.credits
        ELSE lots.usd
    END AS "PricingCurrencyEffectiveCost",
    CASE WHEN lots.in_credits THEN 1 ELSE settings.list_price END AS "PricingCurrencyListUnitPrice",
    lots.credits AS "PricingQuantity",
    'Credits' AS "PricingUnit",
    'CircleCI' AS "ProviderName",
    'CircleCI' AS "PublisherName",
    lots.lot AS "ResourceId",
    'Credit Allocation' AS "ResourceType",
    'Developer Tools' AS "ServiceCategory",
    'CircleCI' AS "ServiceName",
    'CircleCI' AS "ServiceProviderName",
    'Continuous Integration and Deployment' AS "ServiceSubcategory",
    CASE WHEN lots.category = 'Purchase' THEN 'credit-purchase' ELSE 'credit-expiry' END AS "SkuId",
    CASE WHEN lots.category = 'Purchase' THEN 'Credits bought' ELSE 'Credits expired' END AS "SkuMeter",
    CASE WHEN lots.category = 'Purchase' THEN 'credit-purchase' ELSE 'credit-expiry' END AS "SkuPriceId",
    lots.cost_center AS "x_CostCenter",
    lots.credits AS "x_Credits",
    lots.kind AS "x_LotKind",
    lots.date AS focus_date
FROM (
    SELECT
        focus_lots.*,
        -- What was paid for a lot is rarely a price of finite decimals.
        CAST(usd / credits AS DECIMAL(18, 10)) AS price,
        -- Credits are bought with money, in either style.
        category = 'Usage' AND getvariable('focus_style') = 'credits' AS in_credits
    FROM focus_lots
    WHERE date BETWEEN getvariable('focus_first') AND getvariable('focus_last')
) AS lots
CROSS JOIN settings
LEFT JOIN accounts ON lots.cost_center = accounts.cost_center
LEFT JOIN organizations AS payers ON accounts.organization_id = payers.organization_id;
