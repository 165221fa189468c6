-- A stamp of the daily costs: it changes with every day that is written, with every name that changes, with the patterns
-- of actors, and with the files: rows may take a name later than it is known.
SELECT
    (SELECT coalesce(CAST(bit_xor(hash(cost_center, date, costed_at)) AS VARCHAR), '') FROM usage_days)
    || '-'
    || (SELECT coalesce(CAST(bit_xor(hash(dimension, id, name)) AS VARCHAR), '') FROM dimension_names)
    || '-'
    || CAST(hash(actor_patterns()) AS VARCHAR)
    || '-'
    || coalesce(getvariable('daily_costs_files'), '');
