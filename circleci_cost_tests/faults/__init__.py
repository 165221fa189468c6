"""Processes that run the pipeline are killed with SIGKILL; fresh ones finish their work."""
