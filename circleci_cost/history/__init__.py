"""Which days of usage are there and final, and fetching those that are not."""
