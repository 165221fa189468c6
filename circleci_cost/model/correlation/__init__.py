"""Infrastructure costs that move with CI cost, and series that shifted around a day."""
