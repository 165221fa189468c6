"""SQL literals are exact for DuckDB, whatever is in them; TOML and JSON are tested with the terminal."""

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.text.literals import sql_text


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_f112_a_sql_literal_is_the_text_and_nothing_else(text: str) -> None:
    assert duckdb.execute(f"SELECT {sql_text(text)}, 1").fetchall() == [(text, 1)]
