"""Tests with a real webserver, daemon and code server, driven over GraphQL."""
