"""The engines that can price job runs in place of DuckDB: where one is, what it may be asked, and what it answers.

What is asked, and whether an answer is taken, is the business of `warehouse.costs`.
"""
