"""`allocated_costs`: made from a plan, explained, compared, checked."""
