"""Infrastructure: which of its costs moved with CI's, what shifted around incidents, and what it costs at all."""
