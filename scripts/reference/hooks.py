"""The hooks of the door, from their specifications."""

import inspect

from hub.plugin import _hooks

from . import tables

HOW = """\
How to write a plugin is told in [plugins.md](../plugins.md). A hook is a function of the module that the entry point
names, marked with `@hookimpl`."""


def page() -> str:
    found = [each for each in vars(_hooks).values() if hasattr(each, "orderhub_spec")]
    parts = (f"## `{each.__name__}`\n\n```python\n{_signature(each)}\n```\n\n{inspect.getdoc(each)}" for each in found)
    return tables.page("Hooks", HOW, *parts)


def _signature(hook: object) -> str:
    lines = inspect.getsource(hook).splitlines()  # type: ignore[arg-type]
    return next(f"{line} ..." for line in lines if line.startswith("def "))
