-- A stamp of the daily costs: it changes with every day that is written, with every name that changes, and with the
-- patterns of actors.
SELECT
    (SELECT coalesce(CAST(bit_xor(hash(cost_center, date, costed_at)) AS VARCHAR), '') FROM usage_days)
    || '-'
    || (SELECT coalesce(CAST(bit_xor(hash(dimension, id, name)) AS VARCHAR), '') FROM dimension_names)
    || '-'
    || CAST(hash(actor_patterns()) AS VARCHAR);
