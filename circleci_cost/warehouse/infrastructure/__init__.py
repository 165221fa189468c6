"""`infrastructure_costs`: made from what the sources' files hold, and read."""
