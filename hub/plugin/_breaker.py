"""The circuit breaker of one connection: after some failures in a row nobody asks for a while, then one call tries."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.clock import Clock

log = logging.getLogger(__name__)

THRESHOLD = 5
"""Failures in a row that open the breaker."""
FIRST, GROWTH, LONGEST = timedelta(seconds=15), 2.0, timedelta(minutes=10)
"""The first wait, by how much it grows with each failed trial, and the longest one."""
SPREAD = 0.2
"""Waits differ by this share at random, so that many connections do not come back at the same moment."""
BELIEVED = timedelta(hours=1)
"""No wait is longer; a moment further ahead than this means that the clock was put back, and is not waited for."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    """Whether a connection is out of order: `since` when, for what `reason`, and when it is tried again."""

    open: bool = False
    since: datetime | None = None
    reason: str = ""
    retry_at: datetime | None = None


class Ticket:
    """Leave to make one call; `trial` is the one call that may find an open breaker's system healthy again."""

    __slots__ = ("trial",)

    def __init__(self, trial: bool) -> None:
        self.trial = trial


class Breaker:
    """Counts failures in a row; times are the clock's."""

    def __init__(
        self,
        clock: Clock,
        on_state: Callable[[BreakerState], None] | None = None,
        dice: Callable[[], float] = random.random,
        connection: str = "",
    ) -> None:
        self.state = BreakerState()
        self._connection = connection
        self._clock = clock
        self._on_state = on_state
        self._dice = dice
        self._failures = 0
        self._openings = 0
        self._trial: Ticket | None = None

    def admits(self) -> bool:
        """Whether a call would be let through now."""
        return not self.state.open or (self._trial is None and not ahead(self.state.retry_at, self._clock.now()))

    def admit(self) -> Ticket | None:
        """Leave for one call, or None while the system is left alone. Hand it back with one of the three below."""
        if not self.admits():
            return None
        ticket = Ticket(trial=self.state.open)
        if ticket.trial:
            self._trial = ticket
        return ticket

    def answered(self, ticket: Ticket) -> None:
        """The system is alive, whatever it said."""
        self.let_go(ticket)
        self._failures = self._openings = 0
        if self.state.open:
            self._tell(BreakerState())

    def failed(self, ticket: Ticket, reason: str) -> None:
        """The call failed in a way that time may heal."""
        self.let_go(ticket)
        self._failures += 1
        if ticket.trial or (not self.state.open and self._failures >= THRESHOLD):
            self._open(reason)

    def let_go(self, ticket: Ticket) -> None:
        """The call was given up: nothing was learnt."""
        if self._trial is ticket:
            self._trial = None

    def retry_at(self) -> datetime:
        """When it makes sense to ask again; a trial under way is given the first wait."""
        now = self._clock.now()
        at = self.state.retry_at
        return at if at is not None and ahead(at, now) else now + FIRST

    def _open(self, reason: str) -> None:
        now = self._clock.now()
        wait = min(FIRST * GROWTH**self._openings, LONGEST) * (1 + SPREAD * (2 * self._dice() - 1))
        self._openings = min(self._openings + 1, 16)
        self._tell(BreakerState(True, self.state.since or now, reason, now + wait))

    def _tell(self, state: BreakerState) -> None:
        self.state = state
        if state.open:
            log.warning("%s is left alone until %s: %s", self._connection, state.retry_at, state.reason)
        else:
            log.info("%s is in order again", self._connection)
        if self._on_state is None:
            return
        try:
            self._on_state(state)
        except Exception as error:
            log.error("whoever watches the breaker of %s failed: %s", self._connection, type(error).__name__)


def ahead(moment: datetime | None, now: datetime) -> bool:
    """Whether a moment is still to be waited for (not: long gone, unknown, or unbelievably far)."""
    return moment is not None and timedelta(0) < moment - now <= BELIEVED
