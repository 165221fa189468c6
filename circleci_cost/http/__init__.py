"""What every HTTP conversation needs, whoever it is with: a bound on its time, and when to ask again."""
