"""Notifications: real SMTP and HTTP servers on loopback, a real outbox, processes that are killed."""
