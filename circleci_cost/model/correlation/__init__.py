"""Which infrastructure costs move with CI cost, and which shifted around a day."""
