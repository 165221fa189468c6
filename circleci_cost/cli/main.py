"""The entry point of `circleci-cost`: loads commands when they are invoked, and turns errors into exit codes.

The commands are in their own modules; here are only names and one line of help each, so that `--help` is quick.
"""

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import click

from circleci_cost import __version__
from circleci_cost.cli.called_as import as_called
from circleci_cost.cli.interrupts import let_go, raise_on_signals, was_interrupted
from circleci_cost.cli.invocation import LEFT_OUT, Invocation
from circleci_cost.cli.streams import prepare_streams, say, say_bug
from circleci_cost.clock import Clock, SystemClock
from circleci_cost.errors import PARTIAL_DATA, CircleciCostError, StorageError
from circleci_cost.lake.files import storage_errors
from circleci_cost.text.secrets import without_secrets
from circleci_cost.text.suggestions import did_you_mean

INTERRUPTED = 130


class Entry(NamedTuple):
    """The place of a command and its line of help."""

    module: str
    attribute: str
    help: str


COMMANDS = {
    "init": Entry("init", "init", "Write a configuration: ask for token, organization and price."),
    "check": Entry("check", "check", "Check configuration, token, access and prices; nothing is fetched."),
    "demo": Entry("demo", "demo", "Run the whole pipeline on simulated data: 13 months in a minute."),
    "sync": Entry("sync", "sync", "Fetch, price and publish the last days of every cost center."),
    "backfill": Entry("backfill", "backfill", "Fetch the history that is not there yet."),
    "reprice": Entry("reprice", "reprice", "Compute costs again after a price change; nothing is fetched."),
    "import": Entry("import_files", "import_files", "Import usage exports that you have as files."),
    "report": Entry("report", "report", "Show credits and dollars by any dimension, for people or as JSON and CSV."),
    "budgets": Entry("budgets", "budgets", "Show how the budgets stand and where they will end."),
    "credits": Entry("credits", "credits", "Show how long the prepaid credits last and what will expire."),
    "reconcile": Entry("reconcile", "reconcile", "Compare invoices with the computed cost, cause by cause."),
    "anomalies": Entry("anomalies", "anomalies", "Show what changed: incidents, with their impact and their reasons."),
    "explain": Entry("explain", "explain", "Say why the cost of a period differs from that of another one."),
    "correlate": Entry("correlate", "correlate", "Show which infrastructure costs move with CI cost."),
    "classes": Entry("classes", "classes", "Show which resource class each job should have, and what that saves."),
    "waste": Entry("waste", "waste", "Show what was wasted: re-runs, failures, bots, idle caching."),
    "allocation": Entry(
        "allocation", "allocation", "Whose cost it is: explain a figure, preview a rule, find what is left."
    ),
    "serve": Entry("serve", "serve", "Serve the cost explorer: pages to filter, compare and explain cost."),
    "mcp": Entry("mcp", "mcp", "Answer programs that speak the Model Context Protocol."),
    "notify": Entry("notify", "notify", "Try the notification channels; send what waits for them."),
    "export": Entry("export", "export", "Write the published tables as Parquet or CSV files, or costs in FOCUS."),
    "doctor": Entry("doctor", "doctor", "Verify the data directory, and say how to mend it."),
    "simulate": Entry("simulate", "simulate", "Serve a simulated Usage API, for trying clients."),
    "help": Entry("guides", "show_guide", "Read the guides: list them, or show one."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are invoked."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error names other commands as this call would have to."""
        try:
            return super().invoke(ctx)
        except CircleciCostError as error:
            error.args = (as_called(str(error)),)
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which a user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(importlib.import_module(f"circleci_cost.cli.{entry.module}"), entry.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS) or "see `circleci-cost --help`."
            raise click.UsageError(f"There is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help of all commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 fine, 1 failure, 2 usage, 3 configuration, 4 authorization, 5 partial data, or a budget, a "
        "coverage or credits beyond their limit."
    ),
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The configuration; else CIRCLECI_COST_CONFIG, else ./circleci_cost.toml.",
)
@click.option("--demo", is_flag=True, help="Use the built-in demo (simulated data) instead of a configuration.")
@click.version_option(__version__, prog_name="circleci-cost")
@click.pass_context
def cli(context: click.Context, config: Path | None, demo: bool) -> None:
    """CircleCI cost in US dollars, from the Usage Export API, on your own machine."""
    if demo and config:
        raise click.UsageError("--demo and --config exclude each other; leave one of them out.", context)
    context.obj = Invocation(config, demo=demo, clock=context.obj or SystemClock())


@cli.result_callback()
def _exit_code(*_: object, **__: object) -> int:
    """The exit code of a command without an error: 5 where it had to leave something out."""
    return PARTIAL_DATA if click.get_current_context().meta.get(LEFT_OUT) else 0


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: errors a user can act on are sentences, bugs show their traceback."""
    raise_on_signals(_end_at_once)
    prepare_streams()
    sys.excepthook = say_bug
    code = run(arguments)
    let_go()
    sys.exit(code)


def run(arguments: list[str] | None = None, clock: Clock | None = None) -> int:
    """Run the command line, at the time of `clock`, and return its exit code."""
    try:
        with storage_errors("the output or a file", "use"):
            code = cli.main(args=arguments, prog_name="circleci-cost", standalone_mode=False, obj=clock)
            sys.stdout.flush()
    except CircleciCostError as error:
        _leave_output(error)
        _say_error(str(error))
        return error.exit_code
    except click.ClickException as error:
        _say_usage(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        return _aborted(error)
    except BrokenPipeError:
        # The reader of our output, such as `head`, has closed it.
        _close_output()
        return INTERRUPTED if was_interrupted() else 0
    except Exception:
        # Of whatever class a library has worded a Ctrl-C in; all others are bugs.
        if not was_interrupted():
            raise
        return _interrupted()
    return code if isinstance(code, int) else 0


def _aborted(error: BaseException) -> int:
    # click gives no cause for a question whose answer is hidden, so look at the context, too.
    if isinstance(error.__cause__ or error.__context__, EOFError):
        # The cursor is still on the line of the question.
        say("")
        _say_error("There is no more input to read; give the answers as options instead.")
        return 2
    return _interrupted()


def _interrupted() -> int:
    # Its reader may have gone with the same Ctrl-C.
    with suppress(BrokenPipeError):
        _say_error("Interrupted; nothing is lost, the same command takes up where this one ended.")
    return INTERRUPTED


def _end_at_once() -> None:
    try:
        _interrupted()
    finally:
        os._exit(INTERRUPTED)


def _leave_output(error: CircleciCostError) -> None:
    """Close the output where it cannot be written, as on a full disk."""
    if isinstance(error, StorageError) and isinstance(error.__cause__, OSError) and error.__cause__.filename is None:
        _close_output()


def _close_output() -> None:
    """Redirect stdout to nowhere: Python would report the error again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say_error(message: str) -> None:
    for line in without_secrets(message).splitlines() or [""]:
        say(f"Error: {line}")


def _say_usage(error: click.ClickException) -> None:
    _say_error(error.format_message())
    context = getattr(error, "ctx", None)
    if context is not None and isinstance(error, click.UsageError):
        say(f"Try `{context.command_path} --help`.")
