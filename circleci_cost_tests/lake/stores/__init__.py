"""Object stores as a data directory, against a real S3 server on loopback."""
