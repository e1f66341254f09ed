"""The command line. Importing this loads click and nothing else: each command is loaded when it is asked for."""

from collections.abc import Sequence

import click

from ._group import HubGroup, Lazy

COMMANDS = {
    "Begin": {
        "init": Lazy("hub.cli.init:init", "Write a first working flows.yaml and .env after a few questions."),
        "flows": Lazy("hub.cli.flows:flows", "Check what a flows.yaml says before it goes live."),
        "connect": Lazy("hub.cli.connect:connect", "Prove a connection's credentials and register its webhooks."),
        "run": Lazy("hub.cli.run:run", "Run the hub."),
        "demo": Lazy("hub.cli.demo:demo", "See it work: two shops, two carriers and their customers, on this machine."),
    },
    "Look": {
        "status": Lazy("hub.cli.status:status", "Show connections, queues, and what waits for a person."),
        "order": Lazy(
            "hub.cli.order:order", "Show all that is known of an order, and why each flow did or did not start."
        ),
        "shadow": Lazy("hub.cli.shadow:shadow", "What a hub or a flow in shadow would have sent, and to how many."),
        "survey": Lazy("hub.cli.survey:survey", "How customers answered: figures, and what they wrote."),
        "customer": Lazy("hub.cli.customer:customer", "Show how a customer is reached and what they allow; change it."),
        "event": Lazy("hub.cli.event:event", "Look into the inbox; replay or dismiss an event."),
    },
    "Mend": {
        "deadletter": Lazy("hub.cli.deadletter:deadletter", "What cannot be processed: list, replay, dismiss."),
        "escalation": Lazy("hub.cli.escalation:escalation", "Matters for a person: list, take, resolve, hand over."),
        "breaker": Lazy("hub.cli.breaker:breaker", "Flows held for saying far too much: show, release, drop."),
        "question": Lazy("hub.cli.question:question", "Questions of customers: list, answer."),
        "unmapped": Lazy("hub.cli.unmapped:unmapped", "Codes that nobody mapped: list them, map them."),
    },
    "Try": {
        "messages": Lazy("hub.cli.messages:messages", "Look at every text in a browser; keep how they read."),
        "send-test": Lazy("hub.cli.send_test:send_test", "Send one message, filled with made-up data, for real."),
        "carrier": Lazy("hub.cli.carrier:carrier", "Ask a carrier about one parcel."),
    },
    "Install": {
        "plugin": Lazy("hub.cli.plugin:plugin", "Show which plugins there are, broken ones with the reason."),
        "db": Lazy("hub.cli.db:db", "Bring the database up to date."),
    },
}

EXITS = """
\b
Exit status:
  0  done, nothing wrong
  1  problems were found, or what was asked for failed
  2  wrong usage, or the configuration is refused
  3  another hub is running, or the database cannot be used
"""


@click.command(
    "hub",
    cls=HubGroup,
    sections=COMMANDS,
    plugin_commands=True,
    epilog=EXITS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="orderhub", prog_name="orderhub", message="%(prog)s %(version)s")
def cli() -> None:
    """orderhub: nobody should have to ask "where is my order?".

    Commands read ./flows.yaml, or the file that --config or HUB_CONFIG names.
    """


def main(args: Sequence[str] | None = None) -> None:
    """The entry point `hub`."""
    cli.main(args, prog_name="hub")
