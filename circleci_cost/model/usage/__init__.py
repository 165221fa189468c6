"""Usage as CircleCI exports it: columns, types, dialects, job runs, and the conditions that are put on them."""
