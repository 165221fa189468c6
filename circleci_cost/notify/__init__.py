"""Notifications: which messages there are, who gets them through which channel, each once per channel.

The pipeline and its automation decide when this runs.
"""
