"""The days on which less usage is expected."""
