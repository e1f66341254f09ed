"""`python -m scripts.reference [--check]`."""

import sys

from . import ROOT, different, pages, stray


def main(check: bool) -> int:
    wanted = pages()
    old, gone = different(wanted), stray(wanted)
    if check:
        for path in [*old, *gone]:
            print(f"{path} is not what the code says; run scripts/docs", file=sys.stderr)
        return bool(old or gone)
    for path in old:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(wanted[path], "utf-8")
        print(f"wrote {path}")
    for path in gone:
        (ROOT / path).unlink()
        print(f"removed {path}")
    return 0


sys.exit(main("--check" in sys.argv[1:]))
