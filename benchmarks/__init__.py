"""What the hub costs, measured as ratios: `python -m benchmarks [name…]`. Never a test: nothing here passes or fails.

Figures and how to read them: docs/benchmarks.md.
"""
