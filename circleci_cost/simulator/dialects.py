"""A frame of export rows as CSV bytes, in either of the two dialects in which CircleCI has written them.

Reading exports is not done here: the package's own readers must not share code with what they are tested on.
"""

import io
from typing import Literal

import polars as pl

Dialect = Literal["unquoted", "quoted"]

_TIMESTAMPS = "%Y-%m-%d %H:%M:%S%.3f"


def to_csv(frame: pl.DataFrame, dialect: Dialect, *, header: bool) -> bytes:
    r"""Write a frame. Unquoted: LF, `\\N` for null, backslash escapes. Quoted: all quoted, CRLF, `"\N"`."""
    sink = io.BytesIO()
    if dialect == "unquoted":
        _escaped(frame).write_csv(
            sink,
            include_header=header,
            quote_style="never",
            null_value=r"\\N",
            datetime_format=_TIMESTAMPS,
        )
    else:
        _capitalized(frame).write_csv(
            sink,
            include_header=header,
            quote_style="always",
            line_terminator="\r\n",
            null_value=r"\N",
            datetime_format=_TIMESTAMPS,
        )
    return sink.getvalue()


def _escaped(frame: pl.DataFrame) -> pl.DataFrame:
    """Put a backslash before backslashes, commas and line feeds in texts."""
    special = [
        name
        for name, kind in frame.schema.items()
        if kind == pl.String and not name.endswith("_ID") and frame[name].str.contains(r"[\\,\n]").any()
    ]
    return frame.with_columns(pl.col(special).str.replace_all(r"([\\,\n])", r"\$1")) if special else frame


def _capitalized(frame: pl.DataFrame) -> pl.DataFrame:
    """Spell booleans as Python does."""
    flags = [name for name, kind in frame.schema.items() if kind == pl.Boolean]
    return frame.with_columns(pl.col(flags).replace_strict({True: "True", False: "False"}, return_dtype=pl.String))
