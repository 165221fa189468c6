"""Reading `circleci_cost.toml`: every mistake is one sentence with file, line, key, value and what to do."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from circleci_cost.config.demo import remember_anchor
from circleci_cost.config.settings import load_settings, read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.pricing.price_periods import PricePeriod

ACME = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
LABS = "5d3c2f7e-84b1-4a6f-b0d9-71e6c9a4f812"

VALID = f"""\
data_dir = "data"
history_start = 2025-10-22
restatement_days = 4

[[cost_centers]]
name = "acme"
organization_id = "{ACME}"
slug = "gh/acme"
api_token_env = "CIRCLECI_TOKEN"
shared_organization_ids = ["{LABS}"]

[[cost_centers.pricing]]
price_per_credit = 0.0006
effective_from = 2026-01-01

[[cost_centers.pricing]]
price_per_credit = 0.00055
effective_from = 2025-01-01
effective_until = 2025-12-31
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "circleci_cost.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(path)
    assert caught.value.exit_code == 3
    return str(caught.value).replace(str(path), "FILE")


def test_the_whole_configuration_is_read_exactly(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, VALID))
    (acme,) = settings.cost_centers
    assert settings.data_dir == tmp_path / "data"
    assert (settings.history_start, settings.restatement_days, settings.daily_at) == (date(2025, 10, 22), 4, "10:30")
    assert acme.organizations == (ACME, LABS)
    assert settings.price_periods == [
        PricePeriod("acme", date(2026, 1, 1), None, Decimal("0.0006")),
        PricePeriod("acme", date(2025, 1, 1), date(2025, 12, 31), Decimal("0.00055")),
    ]
    assert not settings.is_demo


def test_a_price_never_passes_through_a_float(tmp_path: Path) -> None:
    text = VALID.replace("0.0006\n", "0.0006000001\n")
    assert read_settings(write(tmp_path, text)).price_periods[0].price_per_credit == Decimal("0.0006000001")


def test_without_a_file_only_a_demo_that_was_run_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment={})
    assert str(caught.value) == (
        f"There is no configuration: no circleci_cost.toml in {tmp_path}, and neither --config nor "
        "CIRCLECI_COST_CONFIG names one. Run `circleci-cost init` to write one, or `circleci-cost demo` to try it with "
        "simulated data."
    )
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "demo-data").mkdir()
    remember_anchor(tmp_path / "demo-data", date(2026, 11, 28))
    settings = load_settings(environment={})
    assert settings.is_demo
    assert settings.described_source == "the built-in demo"
    assert [center.name for center in settings.cost_centers] == ["acme", "globex"]


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, VALID)
    assert load_settings(environment={"CIRCLECI_COST_CONFIG": str(path)}).source_file == path


def test_a_named_file_that_is_not_there_is_an_error_and_never_the_demo(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.toml"
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment={"CIRCLECI_COST_CONFIG": str(missing)})
    assert str(caught.value) == (
        f"The configuration file {missing} (from CIRCLECI_COST_CONFIG) is not there; run `circleci-cost init` to write "
        "one, or correct the path."
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("restatement_days", "restatment_days"),
            "FILE, line 3: unknown key 'restatment_days'; did you mean 'restatement_days'?",
        ),
        (
            ("slug =", "slgu ="),
            "FILE, line 8: unknown key 'cost_centers[0].slgu'; did you mean 'slug'?",
        ),
        (
            (f'organization_id = "{ACME}"', 'organization_id = "gh/acme"'),
            "FILE, line 7: cost_centers[0].organization_id: this is a slug, and the API wants the "
            "organization's UUID: copy it from CircleCI, Organization Settings → Overview, or let `circleci-cost init` "
            "find it.",
        ),
        (
            ('name = "acme"', 'name = "Acme Inc"'),
            "FILE, line 6: cost_centers[0].name: use lower-case letters, digits, - and _ (at most 63, the "
            "first one a letter or digit).",
        ),
        (('name = "acme"\n', ""), "FILE, line 5: cost_centers[0].name is missing; add it."),
        (("history_start = 2025-10-22\n", ""), "FILE: history_start is missing; add it."),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert refusal(tmp_path, VALID.replace(*change)) == message


@pytest.mark.parametrize(
    "secret",
    [
        "CCIPAT_canary-0123456789abcdef",
        "CCIPAT_XyZabc123_0123456789abcdef0123456789abcdef01234567",
        "whsec_C2FVsBQIhrscChlQIMV",
        "aB3dE5fG7hJ9kL1mN3pQ5rS7",
    ],
)
def test_a_token_pasted_in_place_of_the_variable_is_not_repeated(tmp_path: Path, secret: str) -> None:
    canary = secret
    sentence = refusal(tmp_path, VALID.replace('"CIRCLECI_TOKEN"', f'"{canary}"'))
    assert canary not in sentence
    assert sentence == (
        "FILE, line 9: cost_centers[0].api_token_env: write the name of an environment variable, such as "
        "CIRCLECI_TOKEN, never the secret itself."
    )


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, VALID.replace("history_start = 2025-10-22", "history_start = ")).startswith(
        "FILE is not valid TOML: Invalid value (at line 2"
    )


def test_a_history_that_begins_tomorrow_is_refused(tmp_path: Path) -> None:
    assert "history_start = 2999-01-01: this lies in the future" in refusal(
        tmp_path, VALID.replace("2025-10-22", "2999-01-01")
    )


def test_an_organization_in_two_cost_centers_would_count_twice(tmp_path: Path) -> None:
    second = f'\n[[cost_centers]]\nname = "other"\norganization_id = "{LABS}"\n'
    assert refusal(tmp_path, VALID + second) == (
        f"FILE, line 23: cost_centers[1].organization_id: organization {LABS} belongs to acme and to other: its cost "
        "would count twice; leave it in one of them."
    )


def test_f095_an_overlap_of_prices_is_refused_and_names_the_days(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, VALID.replace("effective_until = 2025-12-31", "effective_until = 2026-01-15"))
    assert sentence == (
        "FILE, line 16: cost_centers[0].pricing[1]: the prices 0.00055 (2025-01-01 – 2026-01-15) and 0.0006 "
        "(2026-01-01 – ongoing) overlap on 2026-01-01 to 2026-01-15; end the earlier one the day before the later one "
        "begins."
    )


def test_f095_two_ongoing_prices_are_refused(tmp_path: Path) -> None:
    assert "overlap on 2026-01-01" in refusal(tmp_path, VALID.replace("effective_until = 2025-12-31\n", ""))


@pytest.mark.parametrize(
    ("price", "message"),
    [
        (
            "-0.0006",
            "cost_centers[0].pricing[0].price_per_credit = -0.0006: input should be greater than or equal to 0.",
        ),
        ("nan", "cost_centers[0].pricing[0].price_per_credit = NaN: input should be a finite number."),
        (
            "0.6",
            "cost_centers[0].pricing[0]: price_per_credit 0.6 is outside 0.00001 to 0.01 USD per credit (list price: "
            "0.0006); correct it, or add confirm = true if it is right.",
        ),
        (
            "0.00060000001",
            "cost_centers[0].pricing[0]: price_per_credit has more than 10 decimals and would have to be rounded.",
        ),
    ],
)
def test_f097_absurd_prices_are_refused(tmp_path: Path, price: str, message: str) -> None:
    sentence = refusal(tmp_path, VALID.replace("price_per_credit = 0.0006\n", f"price_per_credit = {price}\n"))
    assert sentence.split(": ", 1)[1] == message


def test_a_price_of_0_is_that_of_a_free_plan(tmp_path: Path) -> None:
    text = VALID.replace("price_per_credit = 0.0006\n", "price_per_credit = 0\n")
    assert read_settings(write(tmp_path, text)).price_periods[0].price_per_credit == 0


_PRICES = """
[[cost_centers.pricing]]
price_per_credit = 0.0005
effective_from = 2024-02-01
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (VALID + _PRICES + "effective_until = 2024-01-01\n", "line 21: cost_centers[0].pricing[2]"),
        (VALID + _PRICES + "effective_until = 2025-06-30\n", "line 21: cost_centers[0].pricing[2]"),
        (VALID + _PRICES, "line 21: cost_centers[0].pricing[2]"),
        (VALID.replace("0.00055", "0.55"), "line 16: cost_centers[0].pricing[1]"),
        (VALID.replace(f'["{LABS}"]', f'[\n  "{LABS}", # here\n  "gh/x]",\n]'), "line 12: cost_centers[0].shared_or"),
        (VALID.replace(f'["{LABS}"]', f'[\n  "{LABS}",\n\n  "{ACME}"]'), "line 13: cost_centers[0].shared_or"),
        (VALID + VALID[VALID.index("[[cost") :], "line 21: cost_centers[1].name"),
        (
            VALID + '[[budgets]]\nname = "b"\n' + "[[budgets.amounts]]\namount = 5\n" * 2,
            "line 22: budgets[0].amounts[0]",
        ),
        (
            VALID + '[[virtual_tags]]\nname = "team"\n' + '[[virtual_tags.splits]]\nvalue = "a"\nmethod = "even"\n' * 2,
            "line 25: virtual_tags[0].splits[1]",
        ),
    ],
)
def test_a_mistake_in_an_entry_of_a_list_names_the_entry_s_line(tmp_path: Path, text: str, place: str) -> None:
    assert refusal(tmp_path, text).startswith(f"FILE, {place}")


def test_prices_in_one_inline_list_are_distinguished_by_line(tmp_path: Path) -> None:
    table = VALID[: VALID.index("\n[[cost_centers.pricing]]")] + (
        "pricing = [\n  { price_per_credit = 0.0006, effective_from = 2026-01-01 },\n"
        "  { price_per_credit = 0.6, effective_from = 2025-01-01, effective_until = 2025-12-31 },\n]\n"
    )
    assert refusal(tmp_path, table).startswith("FILE, line 13: cost_centers[0].pricing[1]: price_per_credit 0.6")


def test_f097_an_absurd_price_may_be_confirmed(tmp_path: Path) -> None:
    text = VALID.replace("price_per_credit = 0.0006\n", "price_per_credit = 0.6\nconfirm = true\n")
    assert read_settings(write(tmp_path, text)).price_periods[0].price_per_credit == Decimal("0.6")


@pytest.mark.parametrize(
    "url",
    [
        "http://circleci.com/api/v2",
        "ftp://x/api/v2",
        "https://user:pw@circleci.com/api/v2",
        "https://circleci.com",
        "https://circleci.com/api/v1.1",
        "https://circleci.com/api/v2/me",
        "https://circleci.com/?/api/v2",
        "https://circleci.com/#/api/v2",
        "https://[/api/v2",
        "http://127.0.0.1:8000",
    ],
)
def test_an_address_that_is_no_api_or_would_expose_the_token_is_refused(tmp_path: Path, url: str) -> None:
    sentence = refusal(tmp_path, VALID + f'\n[api]\nbase_url = "{url}"\n')
    assert "write an https:// address ending in /api/v2" in sentence
    assert "pw@" not in sentence


def test_several_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    sentence = refusal(
        tmp_path, VALID.replace("slug =", "slgu =").replace("restatement_days = 4", "restatement_days = 0")
    )
    assert len(sentence.splitlines()) == 2


def test_of_21_mistakes_the_last_is_counted_in_the_singular(tmp_path: Path) -> None:
    sentences = refusal(tmp_path, VALID + '\n[[budgets]]\nname = "a"\namount = -1\n' * 21).splitlines()
    assert (len(sentences), sentences[-1]) == (21, "FILE: 1 mistake more.")
