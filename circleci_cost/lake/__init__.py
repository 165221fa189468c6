"""The lake: raw export parts and job runs as files, published by atomic renames."""
