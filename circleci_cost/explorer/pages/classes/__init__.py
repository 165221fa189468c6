"""Resource classes: which one each job should have, and what became of changes."""
