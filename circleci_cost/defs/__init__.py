"""Dagster definitions: assets, checks, jobs and schedules. They read, call, write and report; no logic of their own."""
