-- All advice, the largest likely saving first.
FROM class_advice
ORDER BY saving_credits DESC NULLS LAST, cost_center, organization, project, job, resource_class, candidate;
