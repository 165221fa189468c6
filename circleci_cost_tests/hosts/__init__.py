"""Several hosts on one machine: network namespaces where root may make them, with PostgreSQL, Redis and Celery."""
