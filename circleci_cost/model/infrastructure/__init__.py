"""The costs of the company's own infrastructure, from FOCUS or simple files."""
