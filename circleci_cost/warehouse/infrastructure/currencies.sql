-- The currencies and days of a source's costs.
SELECT DISTINCT currency, date
FROM infrastructure_file_costs
WHERE source = $source;
