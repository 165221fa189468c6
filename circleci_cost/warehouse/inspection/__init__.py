"""The inspection of a data directory: what is damaged, missing or at odds, and what makes it right again."""
