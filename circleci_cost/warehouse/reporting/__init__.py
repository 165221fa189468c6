"""Answers to the questions of reports and notifications, from a published generation."""
