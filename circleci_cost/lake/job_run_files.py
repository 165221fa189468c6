"""How SQL reads the files of job runs. What is done with the rows is said where they are read.

The path of a file tells the cost center and the day, as columns `cost_center` and `date`. Files of earlier versions
also hold a column `cost_center`; what the path says is read from these, too.
"""

# Without the cast, a cost center that is called 123 stays a name; the day is text then, too.
_PATH_COLUMNS = "hive_partitioning = true, hive_types_autocast = false"
# For columns that all versions wrote.
JOB_RUN_FILES = f"read_parquet($files, {_PATH_COLUMNS})"
# For all columns: one that only some of the files have is null in the others.
JOB_RUN_FILES_BY_NAME = f"read_parquet($files, {_PATH_COLUMNS}, union_by_name = true)"
