"""Which days of usage are present and final, and the fetching of those that are not."""
