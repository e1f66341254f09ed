"""`python -m tests.wrong` writes the snapshots anew."""

from .corpus import write_snapshots

write_snapshots()
