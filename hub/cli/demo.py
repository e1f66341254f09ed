"""`hub demo`: the world of the demonstration, which is another package's."""

from importlib import import_module

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def demo(args: tuple[str, ...]) -> None:
    """See it work: two shops, two carriers and their customers, on this machine."""
    import_module("hub.sandbox.demo").main(list(args))
