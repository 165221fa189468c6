"""A question about cost, and the report that answers it."""
