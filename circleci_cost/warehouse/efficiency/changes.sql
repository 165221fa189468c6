-- All changes of class; those that cost most to keep first.
FROM class_changes
ORDER BY saving_credits NULLS LAST, cost_center, organization, project, job, date;
