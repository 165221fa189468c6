"""Published generations: made, found and read."""
