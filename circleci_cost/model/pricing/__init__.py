"""Who pays CircleCI, and at which price per credit on which day."""
