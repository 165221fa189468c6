"""`export focus`: rows that conform and add up to the report, files that receivers accept, all or nothing."""

import csv
import gzip
import itertools
import json
import shutil
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from circleci_cost.lake.layout import open_lake
from circleci_cost.model.focus.columns import Grain, Style, Version
from circleci_cost.model.infrastructure.cost_files import read_costs
from circleci_cost.model.infrastructure.definition import Infrastructure
from circleci_cost.text.amounts import dollars
from circleci_cost_tests.cli.harness import Caller, configuration, make_once, publish_rows
from circleci_cost_tests.lake.builders import CENTER, day
from circleci_cost_tests.text.test_csv_text import HOSTILE
from circleci_cost_tests.warehouse.focus.conformance import check, read_rows, total
from circleci_cost_tests.warehouse.focus.published import CONFIGURATION, PURCHASES, TAGS, USAGE, job, publish_usage

_SHAPES = [shape for shape in itertools.product(Version, Style, Grain) if shape[:2] != (Version.V1_4, Style.CREDITS)]
_DAY = date(2026, 1, 31)


@pytest.fixture
def used(call: Caller) -> Caller:
    """Four days of usage with every charge type, two prices and two virtual tags with splits."""
    call.configure(CONFIGURATION + TAGS)
    make_once(call.folder / "data", ("focus", USAGE, TAGS), lambda: publish_usage(call.folder))
    return call.at("2026-10-20T12:00:00+00:00")


def reported(caller: Caller, *by: str) -> dict[tuple[str, ...], Decimal]:
    """What `report` shows, apart from values that all cost was moved away from."""
    output = caller("report", "--json", *(argument for name in by for argument in ("--by", name)))
    rows = json.loads(output.out)["rows"]
    return {tuple(row[name] for name in by): Decimal(row["cost"]) for row in rows if Decimal(row["cost"])}


def exported(caller: Caller, *options: str | Path) -> list[dict[str, str]]:
    """The rows of one CSV file."""
    output = caller("export", "focus", "--out", "out.csv", "--force", *options)
    assert (output.code, output.err.count("\n")) == (0, 1)
    assert output.err.startswith("Exported 20")
    return read_rows(caller.folder / "out.csv")


@pytest.mark.parametrize(("version", "style", "grain"), _SHAPES)
def test_every_row_conforms_and_the_cost_is_the_reports(
    used: Caller, version: Version, style: Style, grain: Grain
) -> None:
    rows = exported(used, "--version", version, "--style", style, "--grain", grain)
    check(rows, version, grain)
    assert {(): total(rows)} == reported(used)
    assert {row["PricingCurrency"] for row in rows} == {"USD" if style is Style.USD else "Credits"}
    for dimension, column in (("project", "SubAccountName"), ("charge_type", "x_CreditType")):
        sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for row in rows:
            sums[row[column],] += Decimal(row["EffectiveCost"])
        assert sums == reported(used, dimension)


def test_a_shared_cost_is_a_row_for_each_part_and_each_team_pays_what_the_report_says(used: Caller) -> None:
    rows = exported(used)
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[json.loads(row["Tags"])["team"],] += Decimal(row["ContractedCost"])
    shown = reported(used, "team")
    assert set(sums) == set(shown)
    assert all(abs(sums[team] - shown[team]) < Decimal("1e-8") for team in shown)
    seats = [row for row in rows if row["x_CreditType"] == "user"]
    assert sorted(json.loads(row["Tags"])["team"] for row in seats) == ['a "b", c', "api", "shop"]
    assert total(seats, "x_Credits") == 25000
    assert {row["ResourceId"] for row in seats} == {""}
    assert {(row["x_SplitId"], json.loads(row["x_RuleId"])["team"]) for row in seats} == {("seats by even", "seats")}


def test_one_tag_alone_gives_every_team_its_cost_to_the_last_digit(call: Caller) -> None:
    tags = TAGS.partition('[[virtual_tags]]\nname = "stage"')[0]
    publish_usage(call.folder, tags=tags)
    caller = call.at("2026-10-20T12:00:00+00:00")
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in exported(caller):
        sums[json.loads(row["Tags"])["team"],] += Decimal(row["EffectiveCost"])
    assert sums == reported(caller, "team")


def test_a_row_says_what_was_used_by_whom_and_at_which_price(used: Caller) -> None:
    rows = exported(used, "--grain", "job")
    (row,) = (each for each in rows if each["x_JobId"].endswith("5") and each["x_CreditType"] == "other")
    shown = {
        name: row[name]
        for name in ("SkuId", "SkuMeter", "SubAccountName", "ResourceName", "x_JobRuns", "x_PricePeriod")
    }
    assert shown == {
        "SkuId": "other",
        "SkuMeter": "Other credits",
        "SubAccountName": "api",
        "ResourceName": "test",
        "x_JobRuns": "",
        "x_PricePeriod": "2026-01-01/2026-10-02",
    }
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == ("2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z")
    assert (row["BillingAccountName"], row["x_PipelineNumber"], row["x_BuildStatus"]) == ("acme", "17", "success")
    machines = [each for each in rows if each["SkuId"] == "compute:machine:large"]
    assert {json.loads(each["SkuPriceDetails"])["InstanceType"] for each in machines} == {"large"}
    assert {each["ResourceId"].rpartition("/")[2] for each in rows if each["x_JobName"] == "deploy/all"} == {
        "deploy%2Fall",
        "",
    }


def test_parquet_holds_the_same_with_types_and_the_names_as_they_are(used: Caller) -> None:
    rows = exported(used)
    assert used("export", "focus", "--out", "out.parquet").code == 0
    with duckdb.connect() as connection:
        table = connection.table_function("read_parquet", [str(used.folder / "out.parquet")])
        types = dict(zip(table.columns, map(str, table.types), strict=True))
        values = table.project("CAST(EffectiveCost AS VARCHAR), Tags, x_Branch").fetchall()
    assert list(types) == list(rows[0])
    assert (types["EffectiveCost"], types["PricingQuantity"]) == ("DECIMAL(38,16)", "DECIMAL(38,6)")
    assert types["ChargePeriodStart"] == "TIMESTAMP WITH TIME ZONE"
    assert types["x_IsFinal"] == "BOOLEAN"
    assert [each[:2] for each in values] == [(row["EffectiveCost"], row["Tags"]) for row in rows]
    assert "naïve/ünï\n=1+1" in {each[2] for each in values}
    assert "naïve/ünï\n'=1+1" in {row["x_Branch"] for row in rows}


def test_a_folder_has_a_file_a_month_with_its_metadata_and_the_same_bytes_each_time(call: Caller) -> None:
    call.configure(configuration())
    rows = [{"date": date(2026, month, 3), "compute": f"{month}", "dlc": "200"} for month in (1, 2)]
    publish_rows(call.folder / "data", rows, days=[date(2026, 3, 1)])
    caller = call.at("2026-03-02T12:00:00+00:00")
    contents = []
    for form, out in itertools.product(("csv", "parquet"), ("first", "second")):
        output = caller("export", "focus", "--format", form, "--out", out, "--force")
        names = sorted(path.name for path in (call.folder / out).iterdir())
        assert names == [*(f"focus-2026-0{month}.{form}" for month in (1, 2, 3)), "focus_metadata.json"]
        assert output.out.splitlines()[0] == f"{out}/focus-2026-01.{form}\t2 rows"
        assert output.out.splitlines()[2] == f"{out}/focus-2026-03.{form}\t0 rows"
        contents.append({name: (call.folder / out / name).read_bytes() for name in names})
    assert contents[0] == contents[1]
    assert contents[2] == contents[3]


def test_usage_without_a_price_is_left_out_and_said(call: Caller) -> None:
    call.configure(configuration())
    rows = [{"date": _DAY, "compute": "1000"}, {"date": _DAY, "job": "free", "compute": "7", "price": None}]
    publish_rows(call.folder / "data", rows)
    output = call.at("2026-02-01T12:00:00+00:00")("export", "focus", "--out", "out.csv", "--from", "2026-01-31")
    assert output.code == 5
    assert "FOCUS has no row for a cost that is unknown: usage without a price was left out.\n" in output.err
    assert "Partial: 7 credits have no price" in output.err
    assert [row["EffectiveCost"] for row in read_rows(call.folder / "out.csv")] == ["0.6000000000000000"]


def test_a_free_plan_has_a_list_cost_and_a_correction_is_negative(call: Caller) -> None:
    call.configure(configuration())
    rows = [
        {"date": _DAY, "compute": "1000", "price": Decimal(0)},
        {"date": _DAY, "job": "corrected", "compute": "-5"},
    ]
    publish_rows(call.folder / "data", rows)
    assert call("export", "focus", "--out", "out.csv", "--from", "2026-01-31", "--to", "2026-01-31").code == 0
    rows_written = read_rows(call.folder / "out.csv")
    check(rows_written, Version.V1_2, Grain.DAY)
    assert sorted((Decimal(row["EffectiveCost"]), Decimal(row["ListCost"])) for row in rows_written) == [
        (Decimal("-0.003"), Decimal("-0.003")),
        (Decimal(0), Decimal("0.6")),
    ]
    assert {row["ChargeClass"] for row in rows_written} == {""}


def test_f110_names_of_every_kind_keep_their_rows_and_run_in_no_spreadsheet(call: Caller) -> None:
    call.configure(configuration())
    publish_rows(call.folder / "data", [{"date": _DAY, "project": name, "compute": "1000"} for name in HOSTILE])
    for options in (["--out", "out.csv"], ["--out", "vantage", "--profile", "vantage"]):
        assert call("export", "focus", "--from", "2026-01-31", "--to", "2026-01-31", *options).code == 0
    rows = read_rows(call.folder / "out.csv")
    check(rows, Version.V1_2, Grain.DAY)
    assert total(rows) == Decimal("0.6") * len(HOSTILE)
    assert not [row for row in rows if row["SubAccountName"].lstrip().startswith(("=", "+", "@", "-"))]
    vantage = read_rows(call.folder / "vantage" / "vantage-2026-01-1.csv")
    assert {json.loads(row["Tags"])["circleci_project"].replace("'", "") for row in vantage} == {
        name.replace("'", "") for name in HOSTILE
    }


def test_each_receiver_gets_the_whole_cost_in_its_own_columns(used: Caller) -> None:
    whole = reported(used)[()]
    for name in ("vantage", "datadog", "cloudzero"):
        output = used("export", "focus", "--profile", name, "--out", name)
        assert (output.code, output.err) == (
            0,
            f"Exported 2026-10-01 to 2026-10-04, usage of {dollars(whole)}; data through 2026-10-04.\n",
        )
    (vantage,) = (used.folder / "vantage").iterdir()
    assert total(read_rows(vantage), "BilledCost") == whole
    rows = read_rows(used.folder / "datadog" / "datadog-2026-10-1.csv")
    assert total(rows, "BilledCost") == whole
    assert all(value.strip() for row in rows for value in row.values())
    assert {(row["ChargePeriodStart"], row["ChargePeriodEnd"]) for row in rows} == {
        (f"2026-10-0{number}",) * 2 for number in (1, 2, 3)
    }
    assert {row["stage"] for row in rows} == {"live", "dev"}
    period = used.folder / "cloudzero" / "20261001-20261101"
    drop = json.loads((period / "manifest.json").read_text())["current_drop_id"]
    with gzip.open(period / drop / "circleci-1.csv.gz", "rt", newline="", encoding="utf-8") as file:
        drops = list(csv.DictReader(file, strict=True))
    assert total(drops, "cost/cost") == whole
    assert all(row["resource/id"] for row in drops)
    assert {row["time/usage_start"][:10] for row in drops} == {f"2026-10-0{number}" for number in (1, 2, 3)}


@pytest.mark.parametrize(("tag", "receiver"), [("billedcost", "datadog"), ("circleci_job", "vantage")])
def test_a_tag_that_is_named_like_a_receivers_own_is_refused(call: Caller, tag: str, receiver: str) -> None:
    tags = f'[[virtual_tags]]\nname = "{tag}"\n[[virtual_tags.rules]]\nvalue_of = "project"\n'
    call.configure(CONFIGURATION + tags)
    publish_usage(call.folder, [job(1, compute="40")], tags=tags)
    output = call.at("2026-10-20T12:00:00+00:00")("export", "focus", "--out", "o", "--profile", receiver)
    assert output.code == 1
    assert f"files have a {tag} already, so the virtual tag {tag} has no place in them" in output.err


def test_our_own_reader_of_other_clouds_costs_reads_the_same_dollars(used: Caller) -> None:
    whole = reported(used)[()]
    source = Infrastructure.model_validate({"name": "ci", "files": ["*.csv"]})
    for name in ("out.csv", "out.parquet"):
        assert used("export", "focus", "--out", name, "--version", "1.4").code == 0
        costs = read_costs(used.folder / name, source, name)
        assert costs.costs["cost"].sum() == whole


@pytest.mark.parametrize("style", Style)
def test_credits_that_were_bought_or_expired_are_rows_beside_the_usage(call: Caller, style: Style) -> None:
    configuration = CONFIGURATION + PURCHASES
    call.configure(configuration)
    make_once(
        call.folder / "data",
        ("focus", PURCHASES),
        lambda: publish_usage(call.folder, tags="", configuration=configuration),
    )
    used = call.at("2026-10-20T12:00:00+00:00")
    rows = exported(used, "--style", style)
    check(rows, Version.V1_2, Grain.DAY)
    bought = [row for row in rows if row["ChargeCategory"] == "Purchase"]
    shown = ("ResourceId", "ChargePeriodStart", "ChargePeriodEnd", "InvoiceId", "SubAccountId")
    assert [(Decimal(row["BilledCost"]), *(row[name] for name in shown)) for row in bought] == [
        (17, "acme/2026-10-01/purchase", "2026-10-01T00:00:00Z", "2026-10-03T00:00:00Z", "", ""),
        (55, "acme/2026-10-03/refill", "2026-10-03T00:00:00Z", "2027-10-04T00:00:00Z", "INV-1", ""),
    ]
    assert total(bought) == 0
    assert {row["PricingCurrency"] for row in bought} == {"USD"}
    (expired,) = (row for row in rows if row["SkuId"] == "credit-expiry")
    consumed = total(
        [row for row in rows if row["x_CreditType"] and row["ChargePeriodStart"] < "2026-10-03"], "x_Credits"
    )
    assert Decimal(expired["ConsumedQuantity"]) == 30000 - consumed
    assert (expired["ChargePeriodStart"], expired["ChargeFrequency"]) == ("2026-10-02T00:00:00Z", "One-Time")
    assert abs(Decimal(expired["EffectiveCost"]) - 17 * (30000 - consumed) / 30000) < Decimal("0.000001")
    whole = reported(used)[()]
    assert total([row for row in rows if row["ChargeFrequency"] == "Usage-Based"]) == whole
    assert used("export", "focus", "--out", "v", "--profile", "vantage", "--force").code == 0
    assert total(read_rows(used.folder / "v" / "vantage-2026-10-1.csv"), "BilledCost") == whole
    assert [
        row["ResourceId"] for row in exported(used, "--from", "2026-10-03", "--to", "2026-10-03") if row["x_LotKind"]
    ] == ["acme/2026-10-03/refill"]


def test_a_month_without_job_runs_has_its_purchases_in_both_grains(call: Caller) -> None:
    purchase = "[[cost_centers.purchases]]\ndate = 2026-09-10\ncredits = 30000\nusd = 17\n"
    call.configure(CONFIGURATION + purchase)
    publish_usage(call.folder, [job(1, compute="40")], tags="", configuration=CONFIGURATION + purchase)
    used = call.at("2026-10-20T12:00:00+00:00")
    for grain in Grain:
        rows = exported(used, "--from", "2026-09-01", "--grain", grain)
        assert [row["SkuId"] for row in rows] == ["credit-purchase", "compute:docker:medium"]
    shutil.rmtree(used.folder / "data" / "job_runs")
    output = used("export", "focus", "--out", "gone.csv", "--grain", "job")
    assert (output.code, "job runs or rules have changed since the publication" in output.err) == (1, True)


def test_what_is_not_ours_is_never_replaced(used: Caller) -> None:
    (used.folder / "mine").mkdir()
    (used.folder / "mine" / "letter.txt").write_text("dear")
    output = used("export", "focus", "--out", "mine", "--force")
    assert (output.code, output.out) == (2, "")
    assert "mine holds other files, such as letter.txt, and was left as it is" in output.err
    assert used("export", "focus", "--out", "out").code == 0
    assert used("export", "focus", "--out", "out").code == 2
    assert used("export", "focus", "--out", "out", "--force", "--format", "parquet").code == 0
    assert sorted(path.name for path in (used.folder / "out").iterdir()) == [
        "focus-2026-10.parquet",
        "focus_metadata.json",
    ]
    assert not list(used.folder.glob(".tmp-*"))


def test_an_export_that_fails_half_way_leaves_what_was_there(used: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert used("export", "focus", "--out", "out").code == 0
    assert used("export", "focus", "--out", "out.csv").code == 0
    before = {path: path.read_bytes() for path in used.folder.glob("out*/*")} | {
        used.folder / "out.csv": (used.folder / "out.csv").read_bytes()
    }

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "focus.csv")

    monkeypatch.setattr("os.fsync", full)
    for out in ("out", "out.csv"):
        output = used("export", "focus", "--out", out, "--force", "--grain", "job")
        assert output.code == 1
        assert "No space left on device" in output.err
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in before} == before
    assert not list(used.folder.glob(".tmp-*"))


def test_job_runs_that_are_newer_than_the_publication_are_refused(used: Caller) -> None:
    file = open_lake(used.folder / "data").job_runs_file(CENTER, day(2))
    shutil.copyfile(open_lake(used.folder / "data").job_runs_file(CENTER, day(4)), file)
    output = used("export", "focus", "--out", "out.csv", "--grain", "job")
    assert output.code == 1
    assert "have changed since the publication. Run `circleci-cost reprice`" in output.err
    assert not (used.folder / "out.csv").exists()
    assert used("export", "focus", "--out", "out.csv").code == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--out", "o.csv", "--format", "parquet"], "--out ends in .csv and --format is parquet"),
        (["--out", "o.csv.gz"], "--out ends in .gz; a file has to end in .csv or .parquet, a folder in neither"),
        (["--out", "o.CSV"], "--out ends in .CSV; a file has to end in .csv or .parquet, a folder in neither"),
        (["--out", "o", "--profile", "vantage", "--grain", "job"], "--profile vantage decides all columns"),
        (["--out", "o.csv", "--profile", "datadog"], "Datadog takes CSV files of a limited size; name a folder"),
        (["--out", "o", "--version", "1.4", "--style", "credits"], "FOCUS 1.4 allows only national currencies"),
        (["--out", "o", "--from", "2026-10-05"], "No day of 2026-10-05 is published, only 2026-10-01 to 2026-10-04"),
        (["--out", "o", "--from", "2026-10-03", "--to", "2026-10-01"], "exchange them"),
        (["--out", "circleci_cost.toml"], "circleci_cost.toml is a file and was left as it is"),
        (["--out", "data/focus", "--force"], "data/focus is kept up to date by the asset focus_export"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(used: Caller, options: list[str], sentence: str) -> None:
    output = used("export", "focus", *options)
    assert (output.code, output.out) == (2, "")
    assert sentence in output.err
    assert not (used.folder / "o").exists()


def test_days_that_are_not_final_are_named_and_a_month_cut_short_is_said_to_cloudzeros_users(used: Caller) -> None:
    output = used("export", "focus", "--out", "o", "--profile", "cloudzero", "--from", "2026-10-02")
    assert output.code == 0
    assert "of 2026-10-01 to 2026-10-31 only a part is in it." in output.err
    output = used("export", "focus", "--out", "o", "--profile", "cloudzero", "--to", "9999-12-31", "--force")
    assert "only a part" not in output.err


def test_a_folder_that_is_named_like_the_home_directory_is_an_ordinary_one(used: Caller) -> None:
    for out in ("~/out.csv", "~/out.parquet", "~/out"):
        assert used("export", "focus", "--out", out).code == 0
    assert sorted(path.name for path in (used.folder / "~").iterdir()) == ["out", "out.csv", "out.parquet"]


def test_rows_that_differ_in_their_machine_only_have_an_order(call: Caller) -> None:
    call.configure(CONFIGURATION)
    machines = [("docker", "large"), ("machine", "large"), ("docker", "medium")]
    usage = [
        job(number, dlc="200", executor=executor, resource_class=name)
        for number, (executor, name) in enumerate(machines, 1)
    ]
    publish_usage(call.folder, usage, tags="")
    rows = exported(call.at("2026-10-20T12:00:00+00:00"))
    machines_in_order = sorted(machines, key=lambda machine: machine[::-1])
    assert [(row["x_Executor"], row["x_ResourceClass"]) for row in rows] == machines_in_order


def test_the_kind_of_tables_may_stand_behind_the_options_as_before(used: Caller) -> None:
    for arguments in (
        ["csv", "--out", "a"],
        ["--out", "b", "csv"],
        ["--force", "--out=c", "--table", "usage_days", "csv"],
    ):
        assert used("export", *arguments).code == 0
    assert sorted(path.name for path in (used.folder / "c").iterdir()) == ["usage_days"]
    assert used("export", "--out", "d").code == 2
