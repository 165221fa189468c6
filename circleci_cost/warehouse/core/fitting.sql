-- Those of some values for which a condition holds. {where} is a condition on `value`, whose own values are parameters.
SELECT value
FROM (SELECT unnest(CAST($known AS VARCHAR[])) AS value)
WHERE {where};
