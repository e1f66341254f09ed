"""`python -m benchmarks [name…]`: run these, or all of them, and print their tables."""

import argparse
import asyncio
import importlib

from .measure import machine, report

NAMES = {
    "accept": "one webhook accepted, against a bare durable server",
    "end_to_end": "webhook to mail, against the sum of its parts measured alone",
    "flows": "1 and 1,000 flows",
    "rows": "10 and 1,000,000 rows in the tables",
    "footprint": "ready, memory, idle CPU, the command line",
}


def main() -> None:
    shown = "\n".join(f"  {name:<12}{text}" for name, text in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", epilog=shown, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="*", help="what to measure; all, when none is named")
    names = parser.parse_args().name or list(NAMES)
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"{', '.join(unknown)}: no such benchmark")
    print(machine(), flush=True)
    for name in names:
        measured = asyncio.run(importlib.import_module(f"{__package__}.{name}").measured())
        print(report(NAMES[name], measured), flush=True)


if __name__ == "__main__":
    main()
