-- What later exports changed in days that earlier ones had, the newest changes first.
SELECT
    *,
    credits_added - credits_removed + credits_changed AS credits_change
FROM usage_restatements
ORDER BY recorded_at DESC, date DESC, cost_center, export_id
LIMIT $most;
