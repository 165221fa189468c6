-- The newest names, from the frame `newest_names`, of what the daily costs here name. One that came with job runs since
-- the frame was read stays.
INSERT INTO dimension_names
SELECT dimension, id, name, named_at
FROM newest_names
WHERE id IN (SELECT organization_id FROM daily_costs UNION SELECT project_id FROM daily_costs)
ON CONFLICT (dimension, id) DO UPDATE SET
    name = excluded.name,
    named_at = excluded.named_at
WHERE (excluded.named_at, excluded.name) > (dimension_names.named_at, dimension_names.name);
