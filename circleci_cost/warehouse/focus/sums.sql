-- What the charges add up to, and what the priced daily costs of the same days do: the two have to be the same.
SELECT
    (SELECT count(*) FROM focus_charges),
    (SELECT coalesce(sum(credits), 0) FROM focus_charges),
    (SELECT coalesce(sum(cost_usd), 0) FROM focus_charges),
    coalesce(sum(credits), 0),
    coalesce(sum(cost_usd), 0)
FROM daily_costs
WHERE date BETWEEN $first AND $last AND price_per_credit IS NOT NULL;
