"""The hub at work where nobody outside feels it: the production hub on a clock that somebody moves, a database of its
own that is thrown away, and connections that only record. Tests of flows, simulations and replays stand on it.
"""

from .effects import Effect, Kind
from .rehearsal import Rehearsal

__all__ = ["Effect", "Kind", "Rehearsal"]
