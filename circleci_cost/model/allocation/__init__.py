"""Virtual tags: which cost belongs to which team, by rules, files and splits."""
