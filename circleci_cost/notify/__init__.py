"""Notifications: what is said, to whom, through which channel, each once.

When something is to be said is decided by the pipeline and its automation, not here.
"""
