-- The splits that were not made by their method: what was used instead, and on which days.
SELECT
    splits.label,
    choices.used,
    list_sort(list(DISTINCT choices.date)) AS days
FROM allocation_choices AS choices
JOIN allocation_splits AS splits USING (split)
WHERE choices.fell_back
GROUP BY ALL
ORDER BY ALL;
