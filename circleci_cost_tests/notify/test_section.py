"""`[notifications]` in the configuration: what may be written, and that each mistake is one sentence."""

from pathlib import Path

import pytest

from circleci_cost.config.notifications import (
    EVENTS,
    AppriseChannel,
    EmailChannel,
    SlackChannel,
    TeamsChannel,
    WebhookChannel,
)
from circleci_cost.config.settings import read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost_tests.cli.harness import configuration

EMAIL = """\
[[notifications.channels]]
name = "mail"
type = "email"
to = ["ann@example.com"]
from = "ci-cost@example.com"
host = "smtp.example.com"
"""
SLACK = """\
[[notifications.channels]]
name = "slack"
type = "slack"
url_env = "SLACK_WEBHOOK_URL"
"""
WHOLE = (
    """\
[notifications]
link = "https://dagster.example.com/"
"""
    + EMAIL
    + 'username = "ci-cost"\npassword_env = "SMTP_PASSWORD"\nca_file = "ca.pem"\n'
    + SLACK
    + """\
events = ["budget"]
[[notifications.channels]]
name = "teams"
type = "teams"
url_env = "TEAMS_URL"
[[notifications.channels]]
name = "hook"
type = "webhook"
url = "https://example.com/cost"
secret_env = "WEBHOOK_SECRET"
[[notifications.channels]]
name = "other"
type = "apprise"
url_env = "APPRISE_URL"
[[notifications.owners]]
name = "Web team"
channels = ["slack", "mail"]
digest = "weekly"
where = { project = ["web-app", "landing"] }
"""
)


def write(folder: Path, text: str) -> Path:
    path = folder / "circleci_cost.toml"
    path.write_text(configuration() + text)
    return path


def refusal(folder: Path, text: str) -> str:
    """The sentence of a refusal, the line counted from the first of `text`."""
    path = write(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(path)
    where, _, sentence = str(caught.value).removeprefix(f"{path}, line ").partition(": ")
    return f"{int(where) - len(configuration().splitlines())}: {sentence}"


def test_all_kinds_of_channels_and_owners_are_read(tmp_path: Path) -> None:
    notifications = read_settings(write(tmp_path, WHOLE)).notifications
    assert notifications.link == "https://dagster.example.com"
    kinds = [type(channel) for channel in notifications.channels]
    assert kinds == [EmailChannel, SlackChannel, TeamsChannel, WebhookChannel, AppriseChannel]
    assert [channel.events for channel in notifications.channels] == [EVENTS, ("budget",), EVENTS, EVENTS, EVENTS]
    mail = notifications.channels[0]
    assert isinstance(mail, EmailChannel)
    assert (mail.from_, mail.security, mail.effective_port) == ("ci-cost@example.com", "starttls", 587)
    assert mail.greets_as == "example.com"
    owner = notifications.owner("Web team")
    assert owner is not None
    assert (owner.channels, owner.digest) == (("slack", "mail"), "weekly")
    assert str(owner.where) == "project is web-app or landing"


def test_without_the_section_there_are_no_channels(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, "")).notifications.channels == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (SLACK + SLACK, "6: notifications.channels[1].name: the channel 'slack' is defined twice; give each"),
        (SLACK.replace("slack", "Slack", 1), "2: notifications.channels[0].name: use lower-case letters"),
        (
            SLACK.replace('"slack"\nurl', '"slak"\nurl'),
            "1: notifications.channels[0]: 'slak' is no type of channel; write email, slack",
        ),
        (SLACK.replace('type = "slack"', ""), "1: notifications.channels[0]: the type is missing; write email, slack"),
        (
            SLACK + 'hots = "x"\n',
            "5: unknown key 'notifications.channels[0].hots'; known keys here: name, events, type,",
        ),
        (SLACK + 'events = ["bugdet"]\n', "5: notifications.channels[0].events[0] = bugdet: input should be 'import_"),
        (EMAIL.replace("ann@", "ann"), "4: notifications.channels[0].to[0]: this is no e-mail"),
        (EMAIL.replace("ci-cost@", "CI <a@"), "5: notifications.channels[0].from: this is no e-mail address; write"),
        (EMAIL.replace("ann@", r"a\r\nBcc: b@"), "4: notifications.channels[0].to[0]: this is no e-mail address"),
        (
            EMAIL.replace('["ann@example.com"]', "[]"),
            "4: notifications.channels[0].to: the list is empty; write at least one.",
        ),
        (EMAIL.replace("smtp.", "smtp/"), "6: notifications.channels[0].host: the name of the host"),
        (EMAIL + 'username = "x"\n', "1: notifications.channels[0]: username and password_env belong together; write"),
        (EMAIL + 'security = "none"\n', '1: notifications.channels[0]: security = "none" would send mail to smtp.exa'),
        *(
            (EMAIL + f'helo_name = "{name}"\n', "7: notifications.channels[0].helo_name: write the whole name of this")
            for name in ("localhost", "build-1", "10.0.0.1", "ci.localhost")
        ),
        (
            EMAIL + 'helo_name = "ci cost.example.com"\n',
            "7: notifications.channels[0].helo_name: the name of the host is",
        ),
        (EMAIL + "port = 70000\n", "7: notifications.channels[0].port = 70000: input should be less than or equal to"),
        (
            SLACK.replace("slack", "webhook").replace("url_env", "secret_env"),
            "1: notifications.channels[0]: write either url, or url_env",
        ),
        (
            SLACK.replace('"slack"\nurl_env', '"webhook"\nurl').replace("SLACK_WEBHOOK_URL", "http://example.com/x"),
            "4: notifications.channels[0].url: write an https:// address (http:// only for this machine).",
        ),
        (
            SLACK.replace('"slack"\nurl_env', '"webhook"\nurl').replace("SLACK_WEBHOOK_URL", "https://u:canary@x.com/"),
            "4: notifications.channels[0].url: there is a user name or password in it; put the address into a variab",
        ),
        (
            SLACK + '[[notifications.owners]]\nname = "web"\nchannels = ["slak"]\n',
            "7: notifications.owners[0].channels: 'slak' is no channel; did you mean 'slack'?",
        ),
        (
            '[[notifications.owners]]\nname = "web"\nchannels = ["slack"]\n',
            "3: notifications.owners[0].channels: a name here is no channel; add a [[notifications.channels]] section.",
        ),
        (
            SLACK + '[[notifications.owners]]\nname = "web"\nchannels = ["slack"]\ndigest = "hourly"\n',
            "8: notifications.owners[0].digest = hourly: input should be 'daily', 'weekly' or 'monthly'.",
        ),
        (
            SLACK + '[[notifications.owners]]\nname = "web"\nchannels = ["slack"]\ndigest_parts = ["waste"]\n',
            "5: notifications.owners[0]: digest_parts says what a digest holds, and there is none; add digest = ",
        ),
        (
            SLACK + '[[notifications.owners]]\nname = "web"\nchannels = ["slack"]\ndigest_parts = ["costs"]\n',
            "8: notifications.owners[0].digest_parts[0] = costs: input should be 'waste', 'classes' or 'credits'.",
        ),
        (
            SLACK + '[[notifications.owners]]\nname = "web"\nchannels = ["slack"]\nwhere = { projct = "x" }\n',
            "8: notifications.owners[0].where: 'projct' is neither a dimension nor a virtual tag; did you mean 'pro",
        ),
        ('[notifications]\nlink = "javascript:alert(1)"\n', "2: notifications.link"),
    ],
)
def test_each_mistake_is_one_sentence_with_its_line_and_key(tmp_path: Path, text: str, sentence: str) -> None:
    refused = refusal(tmp_path, text)
    assert refused.startswith(sentence)
    assert "\n" not in refused
    assert "canary" not in refused


@pytest.mark.parametrize("key", ["url_env", "password_env", "secret_env"])
def test_a_secret_pasted_in_place_of_a_variables_name_is_not_repeated(tmp_path: Path, key: str) -> None:
    pasted = "https://hooks.slack.com/services/T0/B0/canary"
    kinds = {
        "url_env": SLACK.replace("SLACK_WEBHOOK_URL", pasted),
        "password_env": EMAIL + f'username = "x"\npassword_env = "{pasted}"\n',
        "secret_env": SLACK.replace("slack", "webhook") + f'secret_env = "{pasted}"\n',
    }
    refused = refusal(tmp_path, kinds[key])
    assert f"notifications.channels[0].{key}: write the name of an environment variable" in refused
    assert "canary" not in refused


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost/x", "https://example.com/x?y=z"])
def test_a_webhook_may_be_on_this_machine_or_behind_tls(url: str) -> None:
    assert WebhookChannel(name="x", type="webhook", url=url).url == url


@pytest.mark.parametrize(
    ("changes", "port"), [({}, 587), ({"security": "ssl"}, 465), ({"security": "ssl", "port": 2465}, 2465)]
)
def test_the_port_is_the_usual_one_unless_it_is_given(changes: dict[str, object], port: int) -> None:
    content = {"name": "m", "type": "email", "to": ["a@b.de"], "from": "c@b.de", "host": "b.de", **changes}
    assert EmailChannel.model_validate(content).effective_port == port


def test_plain_mail_to_another_machine_needs_to_be_allowed() -> None:
    content = {"name": "m", "type": "email", "to": ["a@b.de"], "from": "c@b.de", "host": "b.de", "security": "none"}
    assert EmailChannel.model_validate({**content, "allow_plaintext": True}).effective_port == 25
