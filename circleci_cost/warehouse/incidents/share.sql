-- What a scope cost on some days, within an incident's series, and what the series cost in all. {view} is one of the
-- views of `core.cost_rows`, {scope} and {incident} conditions whose values are parameters.
SELECT
    coalesce(sum(cost_usd) FILTER (WHERE {scope}), 0) AS own,
    coalesce(sum(cost_usd), 0) AS whole
FROM {view}
WHERE tag = $tag
    AND date BETWEEN $first AND $last
    AND ({incident});
