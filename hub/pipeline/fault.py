"""What a log may say of an error: its kind and the places it came through. Its own words may hold anything: a row of
the database, a body that came in, an address."""

import traceback
from pathlib import Path

PLACES = 6
"""How many of the innermost places are named."""
CAUSES = 4


def fault(error: BaseException) -> str:
    """`KeyError at hub/pipeline/orders.py:212 (plan_order) < hub/pipeline/apply.py:151 (plan_batch)`, then causes."""
    said: list[str] = []
    here: BaseException | None = error
    while here is not None and len(said) < CAUSES:
        said.append(f"{type(here).__name__} at {_places(here)}")
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)
    return "; because of ".join(said)


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-PLACES:]
    return " < ".join(f"{_short(frame.filename)}:{frame.lineno} ({frame.name})" for frame in frames[::-1]) or "?"


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-3:])
