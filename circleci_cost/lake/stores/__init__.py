"""Object stores (S3, Google Cloud Storage, Azure) as a data directory: paths, conditional writes, leases.

What is kept below a data directory is the rest of `lake`; files that others provide are `lake.remote_files`' job.
"""
