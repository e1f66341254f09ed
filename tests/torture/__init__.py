"""Torture: a real hub, killed again and again, between a world and receivers that keep ledgers of their own.

`scripts/torture kill` runs it whole; docs/torture.md says what it promises and what it found.
"""
