"""Named crash points for the kill tests: `HUB_CRASH=after-send:3` kills this process at the third passage there."""

import os
import signal
from collections import Counter

POINTS = (
    "before-inbox-commit",
    "after-inbox-commit",
    "before-answer",
    "after-plan",
    "after-apply",
    "after-poll",
    "after-claim",
    "before-send",
    "after-send",
    "before-mark",
    "after-mark",
)

_where, _, _nth = os.environ.get("HUB_CRASH", "").partition(":")
_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Die here without a word, when the environment asks for it; costs one comparison otherwise."""
    if name == _where:
        _passed[name] += 1
        if _passed[name] >= int(_nth or 1):
            os.kill(os.getpid(), signal.SIGKILL)
