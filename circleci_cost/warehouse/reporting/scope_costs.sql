-- What the projects of a scope cost in one period and in the one before it, the largest changes first; and their credits
-- in the period that have no price. {view} is one of the views of `core.cost_rows`, {scope} a condition whose values are
-- parameters.
SELECT
    project,
    coalesce(sum(cost_usd) FILTER (WHERE date BETWEEN $first AND $last), 0) AS cost,
    coalesce(sum(cost_usd) FILTER (WHERE date BETWEEN $before_first AND $before_last), 0) AS before,
    coalesce(sum(credits) FILTER (WHERE cost_usd IS NULL AND date >= $first), 0) AS unpriced_credits
FROM {view}
WHERE tag = $tag
    AND date BETWEEN $before_first AND $last
    AND ({scope})
GROUP BY project
ORDER BY abs(cost - before) DESC, project;
