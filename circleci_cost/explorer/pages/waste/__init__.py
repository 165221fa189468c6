"""The page of waste: what bought nothing, by cause, over time and by job."""
