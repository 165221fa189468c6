"""Files that somebody else may write: whatever they hold, reading them ends soon, or in one short sentence."""

import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.errors import CircleciCostError, ConfigurationError
from circleci_cost.model.allocation.codeowners_rules import OwnedProject
from circleci_cost.model.allocation.definition import CodeOwners
from circleci_cost.model.allocation.mapping_files import read_mapping
from circleci_cost.model.allocation.telemetry import read_amounts
from circleci_cost.model.budgets.files import read_budgets
from circleci_cost.model.incidents.decisions import read_decisions, unmatched_decisions
from circleci_cost.model.infrastructure.rates import read_rates
from circleci_cost.model.reporting.names import known_value, tag_named
from circleci_cost.named_files.bounded_files import MOST_BYTES
from circleci_cost.named_files.csv_tables import read_bytes, same_names
from circleci_cost.text.plain import same_name
from circleci_cost.warehouse.core.statements import sql

# A mark of class 230 and one of 220: each pair is out of order.
MARKS = "\u0301\u0323"
LONG = "x" * 100_000


def in_sql(names: list[str]) -> list[str]:
    with duckdb.connect() as connection:
        connection.execute(sql("core/macros"))
        connection.register("names", pl.DataFrame({"place": range(len(names)), "name": names}))
        return [name for (name,) in connection.execute("SELECT same_name(name) FROM names ORDER BY place").fetchall()]


def in_polars(names: list[str]) -> list[str]:
    return pl.DataFrame({"name": names}).select(same_names(pl.col("name"))).get_column("name").to_list()


def test_a_name_has_one_form_in_python_in_sql_and_in_tables() -> None:
    left = ["e" + MARKS * 15 + "\u0301", "e" + MARKS * 5_000, "cafe\u0301 " + MARKS * 20 + "x"]
    changed = ["cafe\u0301", "e" + MARKS * 15, ("e" + MARKS * 15) * 50, "\u212b", "\u6f22e\u0301" * 40]
    plain = ["", "web", "w" * 500, "caf\u00e9", "\u6f22\u5b57" * 100, "\u0301" * 30]
    assert all(unicodedata.normalize("NFC", name) != name for name in (*left, *changed))
    expected = [*left, *(unicodedata.normalize("NFC", name) for name in changed), *plain]
    names = [*left, *changed, *plain]
    assert list(map(same_name, names)) == expected
    assert in_sql(names) == expected
    assert in_polars(names) == expected


def codeowners(text: str) -> OwnedProject:
    entry = CodeOwners.model_validate({"file": "CODEOWNERS", "project": "web", "path": "/"})
    return OwnedProject(Path("CODEOWNERS"), text.encode(), entry)


@pytest.mark.parametrize(
    "read",
    [
        same_name,
        lambda text: in_sql([text]),
        lambda text: in_polars([text]),
        lambda text: codeowners(f"# {text}\n* @web\n"),
        lambda text: read_mapping(Path("teams.csv"), f"project,value\nweb,{text[:100_000]}\n".encode(), []),
    ],
)
def test_many_combining_marks_take_linear_time(read: Callable[[str], object]) -> None:
    """Sorting so many takes hours."""
    read("a" + MARKS)
    began = time.process_time()
    read("a" + MARKS * 500_000)
    assert time.process_time() - began < 10


def test_a_line_that_has_no_form_leaves_the_other_lines_theirs() -> None:
    owned = codeowners(f"# {MARKS * 20}\n* @cafe\u0301\n")
    assert owned.rule is not None
    assert owned.rule.value == "@caf\u00e9"


@pytest.mark.parametrize("read", [read_bytes, read_decisions, read_rates, lambda path: read_budgets(path, ())])
def test_a_file_without_end_is_refused_by_its_size(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ConfigurationError) as refused:
        read(path)
    assert str(refused.value) == f"{path} is larger than 64 MiB; name a smaller file, or split it."


def test_rules_are_as_small_as_a_configuration() -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_mapping(Path("teams.toml"), b"#" * ((2 << 20) + 1), [])
    assert str(refused.value) == "teams.toml is larger than 2 MiB; write its rules as a CSV file."


@pytest.mark.parametrize(
    "text",
    [
        "[" + "'!'." * 200_000 + "x]\n",
        "[" + r'"\"".' * 200_000 + "x]\n",
        "x = { " + "'!' . " * 200_000 + "x = 1 }\n",
    ],
)
def test_a_quoted_key_has_no_more_parts_than_a_plain_one(text: str) -> None:
    """The parser takes the square of their number."""
    with pytest.raises(ConfigurationError, match="nests tables or lists too deeply"):
        read_mapping(Path("teams.toml"), text.encode(), [])


def test_a_file_of_many_mistakes_is_looked_through_once_for_their_lines() -> None:
    deep = "".join(f"[[{'.'.join(['a'] * min(depth, 95))}]]\n" for depth in range(1, 2_000))
    many = "".join(f"[x{number}]\n" for number in range(1_000))
    began = time.process_time()
    with pytest.raises(ConfigurationError) as refused:
        read_mapping(Path("teams.toml"), (many + deep).encode(), [])
    assert time.process_time() - began < 5
    places = [f"teams.toml, line {number}" for number in range(1, 21)]
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [*places, "teams.toml"]


def refusals(folder: Path) -> dict[str, Callable[[], object]]:
    def csv(content: str) -> Path:
        path = folder / "a.csv"
        path.write_text(content)
        return path

    teams, usage, wide = Path("teams.csv"), Path("usage.csv"), folder / "usage.parquet"
    pl.DataFrame({f"c{number}" * 100: [1] for number in range(1_000)}).write_parquet(wide)
    row = f"2026-01-01,{LONG},{'9' * 15}\n"
    rule = f'[[rules]]\nvalue = "x"\nwhere = {{ "{LONG}" = "x" }}\n'
    return {
        "column": lambda: read_mapping(teams, f"{LONG},value\n".encode(), []),
        "column twice": lambda: read_mapping(teams, f"{LONG},{LONG},value\n".encode(), []),
        "day": lambda: read_mapping(teams, f"project,value,from\nweb,red,{LONG}\n".encode(), []),
        "dimension": lambda: read_mapping(Path("teams.toml"), rule.encode(), []),
        "amount": lambda: read_amounts(usage, f"date,key,amount\n2026-01-01,web,{LONG}\n".encode()),
        "key": lambda: read_amounts(usage, f"date,key,amount\n{row}{row}".encode()),
        "columns of Parquet": lambda: read_amounts(wide, wide.read_bytes()),
        "decision": lambda: read_decisions(csv(f"incident,decision\na,{LONG}\n")),
        "incident twice": lambda: read_decisions(csv(f"incident,decision\n{LONG},ignored\n{LONG},ignored\n")),
        "currency": lambda: read_rates(csv(f"date,currency,usd_per_unit\n2026-01-01,{LONG},1\n")),
        "budget column": lambda: read_budgets(csv(f"name,amount,{LONG}\n"), ()),
        "budget amount": lambda: read_budgets(csv(f"name,amount\na,{LONG}\n"), ()),
        "budget day": lambda: read_budgets(csv(f"name,amount,from\na,1,{LONG}\n"), ()),
        "budget seats": lambda: read_budgets(csv(f"name,amount,seats\na,1,{LONG}\n"), ()),
        "budget period": lambda: read_budgets(csv(f"name,amount,period\na,1,{LONG}\n"), ()),
        "budget name": lambda: read_budgets(csv(f"name,amount\n{LONG},1\n"), ()),
        "budget that differs": lambda: read_budgets(csv(f"name,amount,owner\n{LONG},1,{LONG}\n{LONG},1,b\n"), ()),
        "budget lines": lambda: read_budgets(csv("name,amount\n" + "a,1\n" * 2_000), ()),
        "value": lambda: known_value("project", LONG, ["web"]),
        "tag": lambda: tag_named(LONG, ["team"]),
    }


def test_a_message_stays_short_whatever_it_quotes(tmp_path: Path) -> None:
    for what, refused in refusals(tmp_path).items():
        with pytest.raises(CircleciCostError) as error:
            refused()
        said = str(error.value)
        assert len(said) < 5_500, (what, said[:300])
        assert "\n" not in said, what
    path = tmp_path / "a.csv"
    path.write_text(f"incident,decision\n{LONG},ignored\n")
    assert [len(each) < 1_000 for each in unmatched_decisions(read_decisions(path), pl.Series(["b"]), path)] == [True]
    assert all(len(each) < 1_000 for each in codeowners(f"[{LONG}](x)\n* {LONG}\n").warnings)
