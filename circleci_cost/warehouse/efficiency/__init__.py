"""Who starts usage, what of it is waste, and which resource classes fit: tables and macros of `model.efficiency`."""
