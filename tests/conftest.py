"""What all tests share: databases, and the telling of what was skipped."""

pytest_plugins = ["tests.databases", "tests.skips"]
