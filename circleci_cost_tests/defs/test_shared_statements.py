"""SQLite engines share what they compile, and each keeps to its own file."""

import subprocess
import sys

# In a process of its own: what it changes is the process's.
PROGRAM = """
import sys
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, event, insert, select
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool
from circleci_cost.defs.shared_statements import share_statements

share_statements()
compiled = []
event.listen(Engine, "before_cursor_execute", lambda *passed: compiled.append(passed[4].compiled))
words = Table("words", MetaData(), Column("number", Integer, primary_key=True), Column("word", String))
found = []
for name in "ab":
    words.metadata.create_all(create_engine(f"sqlite:///{sys.argv[1]}/{name}", poolclass=NullPool))
    compiled.clear()
    for statement in (insert(words).values(word=name), select(words.c.word).where(words.c.number == 1)):
        with create_engine(f"sqlite:///{sys.argv[1]}/{name}", poolclass=NullPool).begin() as connection:
            result = connection.execute(statement)
            found.append(result.inserted_primary_key[0] if statement.is_insert else result.all()[0][0])
    kept = list(compiled) if name == "a" else kept
print(found, [one is other for one, other in zip(kept, compiled, strict=True)])
"""


def test_a_statement_is_compiled_once_for_all_engines(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[1, 'a', 1, 'b'] [True, True]\n", "")
