"""Files that a user names in the configuration or in a command: read safely, with one sentence for each mistake.

Files that this program writes itself are the job of `lake`.
"""
