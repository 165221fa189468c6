-- What a report by charge type groups: one row for each charge type with credits. Jobs have all charge types.
CREATE OR REPLACE TEMPORARY VIEW report_rows AS
WITH charges AS (
    SELECT
        date,
        cost_center,
        coalesce(organization, organization_id) AS organization,
        coalesce(project, project_id) AS project,
        coalesce(workflow, '(none)') AS workflow,
        coalesce(job, '(none)') AS job,
        coalesce(branch, '(none)') AS branch,
        coalesce(resource_class, '(none)') AS resource_class,
        coalesce(executor, '(none)') AS executor,
        coalesce(operating_system, '(none)') AS operating_system,
        coalesce(trigger_source, '(none)') AS trigger_source,
        coalesce(build_status, '(none)') AS build_status,
        price_per_credit,
        unnest([
            {'charge_type': 'compute', 'credits': compute_credits, 'cost_usd': compute_cost_usd},
            {'charge_type': 'dlc', 'credits': dlc_credits, 'cost_usd': dlc_cost_usd},
            {'charge_type': 'user', 'credits': user_credits, 'cost_usd': user_cost_usd},
            {'charge_type': 'storage', 'credits': storage_credits, 'cost_usd': storage_cost_usd},
            {'charge_type': 'network', 'credits': network_credits, 'cost_usd': network_cost_usd},
            {'charge_type': 'lease', 'credits': lease_credits, 'cost_usd': lease_cost_usd},
            {
                'charge_type': 'lease_overage',
                'credits': lease_overage_credits,
                'cost_usd': lease_overage_cost_usd
            },
            {'charge_type': 'ipranges', 'credits': ipranges_credits, 'cost_usd': ipranges_cost_usd},
            {'charge_type': 'other', 'credits': other_credits, 'cost_usd': other_cost_usd}
        ]) AS charge
    FROM daily_costs
)

SELECT
    * EXCLUDE (charge),
    charge.charge_type AS charge_type,
    0 AS jobs,
    0 AS runs,
    charge.credits AS credits,
    charge.cost_usd AS cost_usd
FROM charges
WHERE charge.credits <> 0;
