"""The sections of `circleci_cost.toml`, one module each: what may be written there, and what of it is refused.

What concerns several sections at once, and the file as a whole, is `settings`' business.
"""
