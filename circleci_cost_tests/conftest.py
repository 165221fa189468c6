"""What the whole session of tests has in common: that Python keeps the bytecode of what it has compiled."""

import os
import sys

# Else each worker compiles all tests anew, and each of the hundred processes that they start the whole package.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
