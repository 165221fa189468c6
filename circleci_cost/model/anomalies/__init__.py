"""Days on which a series costs more or less than its own history leads one to expect."""
