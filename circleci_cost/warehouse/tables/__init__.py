"""The warehouse's tables as immutable Parquet files, and the manifests that say which files are a table now."""
