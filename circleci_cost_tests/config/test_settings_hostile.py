"""Whatever `circleci_cost.toml` holds, reading it ends soon, in settings or in a sentence that repeats no secret."""

import os
import time
import tomllib
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost_tests.config.test_settings import ACME, VALID, refusal, write

_EXAMPLES = 4000 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 300
_FUZZ = settings(
    derandomize=True,
    max_examples=_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
_SECONDS = 20
SECRETS = (
    "0123456789abcdef0123456789abcdef01234567",
    "a123456789abcdef0123456789abcdef01234567",
    "CCIPAT_XyZabc123_0123456789abcdef0123456789abcdef01234567",
    "https://hooks.slack.com/services/T0CANARY/B0CANARY/canarycanarycanary",
    "https://example.webhook.office.com/webhookb2/canary-canary@canary/IncomingWebhook/canary",
    "hunter2canary!",
    "correct horse canary staple",
)
LITERALS = (
    *(f'"{secret}"' for secret in SECRETS),
    *('""', '" "', '"\\u0000"', '"\\u001b[31m"', '"\\u202e"', '"~nobody-of-this-name/x"', '"../../x"', '"/dev/null/x"'),
    *("1e1000000000", "-1e1000000000", "1e-1000000000", "nan", "inf", "-inf", "0", "-1", "1.5", "0x" + "f" * 5000),
    *("0001-01-01", "9999-12-31", "1979-05-27T07:32:00Z", "0001-01-01T00:00:00+23:59", "07:32:00", "true", "[]", "{}"),
    *("[[]]", "[{}]", "{ a = 1 }", '{ project = { not = { not = { regex = "(" } } } }', '["a", "a"]', '[""]', "[0]"),
    *(f'"{"x" * 5_000}"', f'"{"x/" * 3000}"', f'"{"x" * 300}"', '"e\\u0301"', '"\\U0001f680"', '{ "a b" = "c" }'),
    *(
        '{ project = "web" }',
        '[{ project = "web" }, { job = { glob = "[" } }]',
        '"USD"',
        '"team"',
        '"web"',
        "2026-01-01",
    ),
)


def sections_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return [annotation] if issubclass(annotation, BaseModel) else []
    inner = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return [model for argument in inner for model in sections_in(argument)]


def is_list(annotation: Any) -> bool:
    if get_origin(annotation) is UnionType or get_origin(annotation) is Annotated:
        return any(is_list(argument) for argument in get_args(annotation)[:1])
    return get_origin(annotation) is tuple


@st.composite
def tables(draw: st.DrawFn, model: type[BaseModel], path: str = "") -> str:
    """A table of some of a section's own keys, then of the tables in it, with values of any kind."""
    values: list[str] = []
    inner: list[str] = []
    for name, field in model.model_fields.items():
        if field.exclude or draw(st.integers(0, 3)) == 0:
            continue
        key = field.alias or name
        below = sections_in(field.annotation)
        if below and draw(st.integers(0, 5)) > 0:
            where = f"{path}.{key}".lstrip(".")
            header = f"[[{where}]]" if is_list(field.annotation) else f"[{where}]"
            count = draw(st.integers(1, 2)) if is_list(field.annotation) else 1
            for _ in range(count):
                inner.append(f"{header}\n{draw(tables(draw(st.sampled_from(below)), where))}")
        else:
            valid = {"name": '"acme"', "organization_id": f'"{ACME}"', "history_start": "2025-10-22", "type": '"slack"'}
            values.append(f"{key} = {valid[key] if key in valid and draw(st.booleans()) else draw(_literals)}")
    return "\n".join([*values, *inner, ""])


_literals = st.sampled_from(LITERALS)


def outcome(folder: Path, text: str) -> str:
    """Read the text; the sentence where it is refused, else nothing."""
    path = folder / "circleci_cost.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    began = time.monotonic()
    try:
        read = read_settings(path)
    except ConfigurationError as error:
        sentence = str(error)
        assert sentence
        assert not [secret for secret in SECRETS if secret in sentence]
        assert "canary" not in sentence
        assert len(sentence) < 30_000
    else:
        sentence = ""
        assert isinstance(read.data_dir, Path)
    assert time.monotonic() - began < _SECONDS
    return sentence


@given(tables(Settings))
@_FUZZ
def test_any_document_of_the_real_keys_is_read_or_refused(tmp_path: Path, text: str) -> None:
    outcome(tmp_path, text)


@given(st.integers(0, len(VALID)), st.integers(0, 20), st.text(max_size=30) | _literals)
@_FUZZ
def test_any_text_in_a_good_document_is_read_or_refused(tmp_path: Path, at: int, cut: int, text: str) -> None:
    outcome(tmp_path, VALID[:at] + text + VALID[at + cut :])


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 10_000,
        "a = " + "{a=" * 10_000,
        "[" + "a." * 100_000 + "a]\n",
        "a." * 100_000 + "a = 1\n",
        "a = " + "9" * 5000,
        "a = 0x" + "f" * 100_000,
        VALID.replace("0.0006", "0x" + "f" * 100_000),
        VALID.replace("0.0006", "1e1000000000\nconfirm = true"),
        VALID.replace("0.0006", "1e-1000000000\nconfirm = true"),
        VALID.replace('"data"', '"' + "x" * 1_000_000 + '"'),
        VALID.replace('"acme"', '"' + "x" * 1_000_000 + '"'),
        "#" * 1_000_000,
        "[ " + " " * 1_000_000,
        "a" * 1_000_000,
        "".join(f"key{number} = 1\n" for number in range(30_000)),
        "x = 1\n" * 300_000,
        "\x00",
        "\ud800",
    ],
)
def test_no_shape_of_a_document_is_a_traceback_or_takes_long(tmp_path: Path, text: str) -> None:
    assert outcome(tmp_path, text)


@pytest.mark.parametrize("depth", [1, 90, 200, 3000])
def test_conditions_may_be_nested_and_end_in_a_sentence_where_that_is_too_deep(tmp_path: Path, depth: int) -> None:
    budget = VALID + "\n[[budgets]]\nname = 'x'\namount = 1\n"
    sentence = outcome(tmp_path, f"{budget}where = {{ project = {'{ not = ' * depth}'x'{'}' * depth} }}")
    assert sentence == "" or "nests tables or lists too deeply to be read" in sentence
    sentence = outcome(tmp_path, f"{budget}where.project{'.not' * depth} = 'x'")
    assert sentence == "" or "nests tables or lists too deeply to be read" in sentence


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_repeated_from_no_key(tmp_path: Path, secret: str) -> None:
    for line in VALID.splitlines():
        key, equals, _ = line.partition(" = ")
        if equals:
            outcome(tmp_path, VALID.replace(line, f'{key} = "{secret}"', 1))
            outcome(tmp_path, VALID.replace(line, f'{line}\n"{secret}" = 1', 1))
            outcome(tmp_path, VALID.replace(line, f'{line}\n{key} = "{secret}"', 1))
    for more in (
        f'[notifications]\nlink = "{secret}"',
        f'[[notifications.channels]]\nname = "{secret}"\ntype = "slack"\nurl_env = "X"',
        f'[[notifications.channels]]\nname = "a"\ntype = "{secret}"\nurl_env = "X"',
        f'[[notifications.channels]]\nname = "a"\ntype = "slack"\nurl_env = "{secret}"\nurl = "{secret}"',
        f'[[notifications.owners]]\nname = "a"\nchannels = ["{secret}"]',
        f'[[budgets]]\nname = "a"\namount = "{secret}"',
        f'[[budgets]]\nname = "a"\namount = 1\nparent = "{secret}"',
        f'[[budgets]]\nname = "a"\namount = 1\nperiod = "{secret}"',
        f'[[budgets]]\nname = "a"\namount = 1\nwhere = {{ "{secret}" = "x" }}',
        f'[[budgets]]\nname = "a"\namount = 1\nwhere = {{ project = {{ "{secret}" = "x" }} }}',
        f'[[budgets]]\nname = "a"\namount = 1\nwhere = {{ project = {{ regex = "({secret}" }} }}',
        f'[[budgets]]\nname = "a"\namount = 1\nwhere = "{secret}"',
        f'[calendar]\ncountry = "{secret}"',
        f'[calendar]\ncountry = "DE"\nsubdivision = "{secret}"',
        f'[api]\nbase_url = "{secret}"\nposts_per_hour = "{secret}"',
        f'[[infrastructure]]\nname = "a"\nfiles = "{secret}://x"\nformat = "{secret}"',
        f'[[virtual_tags]]\nname = "a"\n[[virtual_tags.splits]]\nvalue = "x"\nmethod = "fixed"\n'
        f'shares = {{ "{secret}" = 2 }}',
        f'[[virtual_tags]]\nname = "a"\n[[virtual_tags.rules]]\nvalue_of = "{secret}"',
        f'["{secret}"]\na = 1\n["{secret}"]\na = 2',
        f'x = {{ "{secret}" = 1, "{secret}" = 2 }}',
    ):
        assert outcome(tmp_path, f"{VALID}\n{more}\n")


def test_a_value_is_shown_where_it_can_be_no_secret(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, VALID.replace("restatement_days = 4", "restatement_days = 99"))
    assert sentence == "FILE, line 3: restatement_days = 99: input should be less than or equal to 31."
    sentence = refusal(tmp_path, VALID.replace("history_start = 2025-10-22", 'history_start = "22.10.2025"'))
    assert sentence == "FILE, line 2: history_start = 22.10.2025: write a day such as 2026-01-31."
    sentence = refusal(tmp_path, VALID + '\n[[budgets]]\nname = "a"\namount = 1\nperiod = "monthly"\n')
    assert sentence.startswith("FILE, line 24: budgets[0].period = monthly: input should be 'week', 'month', ")


def test_the_line_is_right_after_separators_dotted_keys_and_comments(tmp_path: Path) -> None:
    text = "# a\u2028b\x85c\n" + VALID + "\napi.posts_per_hour = 0 # [x]\n[ api ] # none\n"
    assert refusal(tmp_path, text).startswith("FILE, line 22: unknown key 'cost_centers[0].pricing[1].api'")
    sentence = refusal(tmp_path, "api.posts_per_hour = 0\n" + VALID)
    assert sentence.startswith("FILE, line 1: api.posts_per_hour = 0: ")


@pytest.mark.parametrize("day", ["0001-01-01", "2010-12-31"])
def test_no_history_begins_before_circleci(tmp_path: Path, day: str) -> None:
    sentence = refusal(tmp_path, VALID.replace("2025-10-22", day))
    assert (
        sentence
        == f"FILE, line 2: history_start = {day}: no usage is older than 2011-01-01; write the first day to import."
    )


def test_prices_may_hold_from_the_first_to_the_last_day_of_all(tmp_path: Path) -> None:
    text = VALID.replace("2025-01-01", "0001-01-01").replace(
        "effective_from = 2026-01-01", "effective_from = 2026-01-01\neffective_until = 9999-12-31"
    )
    assert [str(period.effective_from) for period in read_settings(write(tmp_path, text)).price_periods] == [
        "2026-01-01",
        "0001-01-01",
    ]


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        ("a\\u0000b", "a path has no control characters; write its name only"),
        ("~nobody-of-this-name/x", "this machine has no user of that name after ~; write the whole path"),
        ("x" * 256, "the path is longer than a file system allows; write a shorter one"),
        ("x/" * 3000, "the path is longer than a file system allows; write a shorter one"),
    ],
)
def test_a_data_dir_that_no_file_system_has_is_refused(tmp_path: Path, directory: str, message: str) -> None:
    assert refusal(tmp_path, VALID.replace('"data"', f'"{directory}"')) == f"FILE, line 1: data_dir: {message}."


def test_a_data_dir_may_lie_beside_the_configurations_folder(tmp_path: Path) -> None:
    folder = tmp_path / "configuration"
    folder.mkdir()
    assert read_settings(write(folder, VALID.replace('"data"', '"../data"'))).data_dir.resolve() == tmp_path / "data"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "circleci_cost.toml"
    path.write_bytes(b"\xef\xbb\xbf" + VALID.encode())
    assert read_settings(path).history_start == date(2025, 10, 22)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "history_start is missing; add it."),
        (b"\xff\xfe", "is not UTF-8 text (byte 0); save it as UTF-8."),
        (b"#" * (3 << 20), "is larger than 2 MiB; that is no configuration."),
    ],
)
def test_a_file_that_is_no_configuration_is_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "circleci_cost.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"circleci_cost\.toml") as caught:
        read_settings(path)
    assert str(caught.value).endswith(message)


def test_names_in_two_forms_are_one_name(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert composed != decomposed
    text = VALID + f'\n[[budgets]]\nname = "{composed}"\namount = 1\n[[budgets]]\nname = "{decomposed}"\namount = 2\n'
    assert "is defined twice" in refusal(tmp_path, text)
    text = VALID + (
        f'\n[[virtual_tags]]\nname = "team"\ndefault = "{decomposed}"\n'
        f'[[virtual_tags.rules]]\nvalue = "x"\nwhere = {{ project = "{decomposed}" }}\n'
    )
    (tag,) = read_settings(write(tmp_path, text)).virtual_tags
    assert tag.default == composed
    assert [condition.values for condition in tag.rules[0].where] == [(composed,)]


def test_the_literals_are_toml() -> None:
    for literal in LITERALS:
        tomllib.loads(f"a = {literal}")
