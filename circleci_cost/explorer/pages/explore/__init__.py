"""The start page: cost by any dimension over any days, compared, with its chart, its table and the way to runs."""
