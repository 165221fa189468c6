-- Rows of earlier days take the kinds of actors that the configuration says now.
UPDATE daily_costs
SET actor_kind = actor_kind(trigger_source, branch)
WHERE actor_kind IS DISTINCT FROM actor_kind(trigger_source, branch);
