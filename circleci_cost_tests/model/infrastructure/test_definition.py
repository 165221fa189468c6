"""`[[infrastructure]]`: its keys and values; a secret in an address is never repeated."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from circleci_cost.model.infrastructure.definition import Infrastructure, check_sources, configuration_hash
from circleci_cost_tests.model.infrastructure.builders import source

SECRET = "canary0secret"


def read(text: str) -> Infrastructure:
    return Infrastructure.model_validate(tomllib.loads(text, parse_float=Decimal))


def mistakes(**keys: object) -> str:
    with pytest.raises(ValidationError) as caught:
        source(**keys)  # type: ignore[arg-type]
    return "; ".join(error["msg"].removeprefix("Value error, ") for error in caught.value.errors())


def test_one_path_or_several_are_read_and_the_rest_has_defaults() -> None:
    section = read('name = "aws"\nfiles = "costs/*.csv.gz"\n')
    assert (section.files, section.format, section.provider, section.currency, section.rates, section.tag) == (
        ("costs/*.csv.gz",),
        "focus",
        None,
        None,
        None,
        None,
    )
    several = read(
        'name = "saas"\nfiles = ["a.csv", "s3://bucket/costs/**/*.csv?region=eu-central-1"]\nformat = "simple"\n'
        'provider = "Datadog"\ncurrency = "EUR"\nrates = "rates.csv"\n'
    )
    assert several.files == ("a.csv", "s3://bucket/costs/**/*.csv?region=eu-central-1")
    assert (several.provider, several.currency, several.rates) == ("Datadog", "EUR", Path("rates.csv"))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"files": ()}, "files is empty; write a path, a glob or an address"),
        ({"files": " "}, "an empty path in files; write a path, a glob or an address"),
        ({"format": "cur"}, "Input should be 'focus' or 'simple'"),
        ({"currency": "EUR"}, 'currency belongs to format = "simple"; FOCUS files name their currency in each row'),
        (
            {"format": "simple", "currency": "EUR"},
            "amounts in EUR need rates: a CSV file with the columns date,currency,usd_per_unit",
        ),
        (
            {"format": "simple", "currency": "euro"},
            'write the three capital letters of ISO 4217, such as "EUR"',
        ),
        (
            {"format": "simple", "tag": "team"},
            'tag belongs to format = "focus"; of simple files the label is all there is',
        ),
        (
            {"files": "https://example.com/a.csv"},
            "files holds an address of another kind; there are s3://, gs:// and az://",
        ),
        (
            {"files": "s3://bucket"},
            "files holds an address without a path; write it like s3://bucket/folder/*.csv.gz",
        ),
        ({"files": "s3://bucket/a#b"}, "files holds an address with #, which begins no path; write * for what differs"),
        (
            {"files": "s3://[bucket/a"},
            "files holds an address that cannot be read; write it like s3://bucket/folder/*.csv.gz",
        ),
        ({"rates": "s3://bucket/rates.csv"}, "rates is a file on this machine, not an address"),
    ],
)
def test_a_mistake_says_what_to_write(keys: dict[str, object], message: str) -> None:
    assert mistakes(**keys) == message


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            f"s3://AKIAEXAMPLE:{SECRET}@bucket/a.csv",
            "files holds an address with a password; take it out, and let the environment hold the credentials "
            "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role)",
        ),
        (
            f"az://account:{SECRET}@container/a.csv",
            "files holds an address with a password; take it out, and let the environment hold the credentials "
            "(AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or a managed identity)",
        ),
        (
            f"gs://bucket/a.csv?token={SECRET}",
            "files holds an address with an option that is none; after ? there are endpoint_override, scheme, "
            "retry_limit_seconds, project_id. Secrets are read from the environment (GOOGLE_APPLICATION_CREDENTIALS)",
        ),
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(address: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        source(address)
    (error,) = caught.value.errors()
    # The mistake belongs to the section, not to the key, so the configuration's reader shows no value.
    assert error["loc"] == ()
    assert str(error["msg"]).removeprefix("Value error, ") == message
    assert SECRET not in str(caught.value)


def test_two_sources_of_one_name_are_refused_with_their_place() -> None:
    check_sources([source(), source(name="gcp")])
    with pytest.raises(Exception, match="the infrastructure source 'aws' is defined twice") as caught:
        check_sources([source(), source(name="gcp"), source()])
    assert caught.value.context["location"] == ("infrastructure", 2, "name")  # type: ignore[attr-defined]


def test_the_hash_changes_with_the_sections() -> None:
    assert configuration_hash([source()]) == configuration_hash([source()])
    different: tuple[list[Infrastructure], ...] = ([], [source()], [source(tag="team")], [source()] * 2)
    assert len({configuration_hash(sections) for sections in different}) == 4
