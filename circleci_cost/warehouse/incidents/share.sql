-- What a scope cost on some days, within an incident's series, and what the series cost in all. {source} is one of the
-- views series_charges and series_allocated, {scope} and {incident} conditions whose values are parameters.
SELECT
    coalesce(sum(cost_usd) FILTER (WHERE {scope}), 0) AS own,
    coalesce(sum(cost_usd), 0) AS whole
FROM shown_dimensions('{source}')
WHERE tag = $tag
    AND date BETWEEN $first AND $last
    AND ({incident});
