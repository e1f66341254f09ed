"""What the registry makes of good, broken and quarrelling plugins: real distributions in a folder."""

import importlib.metadata
import itertools
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hub.plugin import Carrier
from hub.plugin.registry import Broken, Entry, Registry, UnknownAdapterError

Install = Callable[..., None]

CARRIER = """
from hub.plugin import Carrier, Settings, hookimpl

class It(Carrier[Settings]):
    name, label, settings_type, statuses = "{name}", "It", Settings, {{}}

@hookimpl
def adapters():
    return [It]
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution: entry point name → source of the module."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def one(distribution: str, **modules: str) -> None:
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = ["[orderhub]"]
        for name, source in modules.items():
            module = f"{tmp_path.name.replace('-', '_')}_{distribution.replace('-', '_')}_{name}"
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
            lines.append(f"{name} = {module}")
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")

    return one


@pytest.fixture
def points(tmp_path: Path) -> Callable[[], list[EntryPoint]]:
    def found() -> list[EntryPoint]:
        all_of_them = importlib.metadata.distributions(path=[str(tmp_path)])
        return [each for one in all_of_them for each in one.entry_points if each.group == "orderhub"]

    return found


Points = Callable[[], list[EntryPoint]]


def test_an_adapter_is_known_with_its_plugin_and_its_distribution(install: Install, points: Points) -> None:
    install("orderhub-acme", acme=CARRIER.format(name="acme"))
    registry = Registry.load(points())
    entry = registry.adapter("carrier", "acme")
    assert entry == registry.adapters["carrier", "acme"]
    assert entry == Entry(entry.adapter, "orderhub-acme:acme", "orderhub-acme")
    assert issubclass(entry.adapter, Carrier)
    assert registry.plugins == ["orderhub-acme:acme"]
    assert registry.problems == []


BREAKAGE = {
    "missing": ("import no_such_module", "No module named 'no_such_module'"),
    "syntax": ("def (", "SyntaxError"),
    "raises": ("raise RuntimeError('on import')", "on import"),
    "leaves": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "hook_raises": ("from hub.plugin import hookimpl\n@hookimpl\ndef adapters(): raise KeyError('x')", "KeyError: 'x'"),
    "unknown_hook": (
        "from hub.plugin import hookimpl\n@hookimpl\ndef adaptors(): return []",
        "unknown hook 'adaptors'",
    ),
    "argument": (
        "from hub.plugin import hookimpl\n@hookimpl\ndef event_received(connection, colour): pass",
        "colour",
    ),
    "wrapper": ("from hub.plugin import hookimpl\n@hookimpl(wrapper=True)\ndef adapters(): return (yield)", "wrapper"),
    "no_hook": ("x = 1", "implements no hook"),
    "not_a_list": ("from hub.plugin import hookimpl\n@hookimpl\ndef adapters(): return 7", "returns int"),
    "a_text": ("from hub.plugin import hookimpl\n@hookimpl\ndef adapters(): return 'acme'", "returns str"),
    "nothing": ("from hub.plugin import hookimpl\n@hookimpl\ndef adapters(): return None", "returns NoneType"),
    "no_adapter": ("from hub.plugin import hookimpl\n@hookimpl\ndef adapters(): return [dict]", "'dict' is neither"),
    "instance": ("from hub.plugin import hookimpl\n@hookimpl\ndef adapters(): return [3]", "3 is neither"),
    "bad_name": (CARRIER.format(name="Acme Express"), "needs a name of small letters"),
    "no_settings": (CARRIER.format(name="x").replace("Settings, {}", "dict, {}"), "derived from Settings"),
    "no_label": (CARRIER.format(name="x").replace('"It"', "None"), "needs label, a str"),
    "no_statuses": (CARRIER.format(name="x").replace("{}", "None"), "needs statuses, a Mapping"),
    "no_rows": (CARRIER.format(name="x").replace("{}", "{'post': ['7']}"), "vocabulary 'post' needs rows"),
    "no_meaning": (
        CARRIER.format(name="x").replace("{}", "{'post': {'7': 'delivered'}}"),
        "vocabulary 'post' needs rows",
    ),
    "guessed_end": (
        "from hub.status import Meaning, Shipment\n"
        + CARRIER.format(name="x").replace("{}", "{'post': {'7*': Meaning(Shipment.DELIVERED, '')}}"),
        "vocabulary 'post': a plugin's pattern may not lead there, write the codes out: '7*' to shipment.delivered",
    ),
    "bad_event": (
        CARRIER.format(name="x").replace("name, label", "events = {'Pick Short': 1}\n    name, label"),
        "events are name → EventAbout",
    ),
    "no_form": (
        """
        from hub.plugin import Channel, Settings, hookimpl

        class It(Channel[Settings]):
            name, label, settings_type = "it", "It", Settings

        @hookimpl
        def adapters():
            return [It]
        """,
        "adapter It needs form, a Form",
    ),
    "bad_filter": (
        "from hub.plugin import hookimpl\n@hookimpl\ndef template_filters(): return {'a b': str}",
        "template filter 'a b'",
    ),
    "bad_command": ("from hub.plugin import hookimpl\n@hookimpl\ndef commands(): return [3]", "int is no command"),
    "later_hook": (
        "from hub.plugin import hookimpl\n@hookimpl\ndef flow_steps(): return [3]",
        "hook flow_steps is not supported in this version",
    ),
}


@pytest.mark.parametrize("name", BREAKAGE)
def test_a_broken_plugin_is_named_and_harms_no_other(
    install: Install, points: Points, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    source, reason = BREAKAGE[name]
    install("orderhub-a", aaa=CARRIER.format(name="first"))
    install("orderhub-b", bad=source)
    install("orderhub-c", zzz=CARRIER.format(name="last"))
    registry = Registry.load(points())
    assert sorted(registry.adapters) == [("carrier", "first"), ("carrier", "last")]
    (broken,) = registry.broken
    assert broken == Broken("bad", "orderhub-b", broken.reason)
    assert reason in broken.reason
    assert registry.plugins == ["orderhub-a:aaa", "orderhub-c:zzz"]
    assert registry.problems == [f"plugin orderhub-b:bad is broken: {broken.reason}"]
    assert "orderhub-b:bad" in caplog.text
    registry.tell_event_received("main-shop", "order:1")


def test_a_broken_half_takes_the_other_half_with_it(install: Install, points: Points) -> None:
    source = CARRIER.format(name="half") + "\n@hookimpl\ndef event_received(colour): pass\n"
    install("orderhub-half", half=source)
    registry = Registry.load(points())
    assert not registry.adapters and len(registry.broken) == 1


def test_two_broken_plugins_do_not_hide_each_other(install: Install, points: Points) -> None:
    unknown = BREAKAGE["unknown_hook"][0]
    install("orderhub-b", one=unknown, two=unknown, good=CARRIER.format(name="good"))
    registry = Registry.load(points())
    assert [each.name for each in registry.broken] == ["one", "two"]
    assert ("carrier", "good") in registry.adapters


def test_a_name_that_comes_twice_belongs_to_neither(install: Install, points: Points) -> None:
    install("orderhub", acme=CARRIER.format(name="acme"), other=CARRIER.format(name="other"))
    install("orderhub-acme", acme=CARRIER.format(name="acme"))
    registry = Registry.load(points())
    text = "carrier acme comes twice: from orderhub:acme and from orderhub-acme:acme"
    assert registry.problems == [text]
    with pytest.raises(UnknownAdapterError) as caught:
        registry.adapter("carrier", "acme")
    assert str(caught.value) == text
    assert list(registry.adapters) == [("carrier", "other")]


def test_the_order_of_entry_points_does_not_matter(install: Install, points: Points) -> None:
    install("orderhub", acme=CARRIER.format(name="acme"), bad="import no_such_module")
    install("orderhub-acme", acme=CARRIER.format(name="acme"), more=CARRIER.format(name="more"))

    def seen(each: Sequence[EntryPoint]) -> object:
        registry = Registry.load(each)
        return list(registry.adapters.items()), registry.problems, registry.plugins

    first, *rest = [seen(each) for each in itertools.permutations(points())]
    assert all(each == first for each in rest)


def test_the_same_entry_point_twice_is_named(install: Install, points: Points) -> None:
    install("orderhub-acme", acme=CARRIER.format(name="acme"))
    registry = Registry.load(points() * 2)
    assert "comes twice" in registry.problems[0]
    assert ("carrier", "acme") in registry.adapters


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("carrier", "acm", "there is no carrier acm; there are: acme; did you mean acme?"),
        ("carrier", "zzzzz", "there is no carrier zzzzz; there are: acme"),
        ("platform", "acme", "acme is no platform, it is a carrier"),
        ("channel", "nothing", "there is no channel nothing; there are: none"),
        (
            "carrier",
            "bad",
            "carrier bad: plugin orderhub-b:bad is broken: ModuleNotFoundError: No module named 'nowhere'",
        ),
    ],
)
def test_an_unknown_adapter_is_answered_with_what_to_do(
    install: Install, points: Points, kind: str, name: str, text: str
) -> None:
    install("orderhub-acme", acme=CARRIER.format(name="acme"))
    install("orderhub-b", bad="import nowhere")
    with pytest.raises(LookupError) as caught:
        Registry.load(points()).adapter(kind, name)
    assert str(caught.value).partition(" (")[0] == text


def test_a_broken_plugin_is_told_with_its_file_and_line(install: Install, points: Points) -> None:
    install("orderhub-b", bad="from hub.status import Shipment\n\nSTATUS = Shipment.SHIPED")
    install("orderhub-c", worse="def (")
    bad, worse = Registry.load(points()).broken
    assert bad.reason.startswith("AttributeError: SHIPED (") and bad.reason.endswith("bad.py:3)")
    assert worse.reason.startswith("SyntaxError: ") and worse.reason.count("line 1") == 1


LISTENER = """
from hub.plugin import hookimpl
heard = []

@hookimpl
def event_received(subject):
    heard.append(subject)

@hookimpl
def status_changed(order_id, word):
    heard.append((order_id, word))

@hookimpl
def message_finished(message_id, state):
    heard.append((message_id, state))
"""


def test_listeners_hear_what_they_ask_for(install: Install, points: Points) -> None:
    install("orderhub-ear", ear=LISTENER)
    (point,) = points()
    registry = Registry.load([point])
    registry.tell_event_received("main-shop", "order:7")
    registry.tell_status_changed("7", "shipment.delivered")
    registry.tell_message_finished(3, "sent")
    assert point.load().heard == ["order:7", ("7", "shipment.delivered"), (3, "sent")]


def test_a_listener_that_raises_is_named_and_stops_nobody(
    install: Install, points: Points, caplog: pytest.LogCaptureFixture
) -> None:
    install("orderhub-ear", ear=LISTENER)
    install("orderhub-deaf", deaf=LISTENER.replace("heard.append(subject)", "raise ValueError('canary')"))
    registry = Registry.load(points())
    registry.tell_event_received("main-shop", "order:7")
    ear = next(each for each in points() if each.name == "ear").load()
    assert ear.heard == ["order:7"]
    assert "event_received of plugin orderhub-deaf:deaf failed: ValueError" in caplog.text
    assert "canary" not in caplog.text


EXTRAS = """
import click
from hub.plugin import hookimpl

@hookimpl
def template_filters():
    return {{"{filter}": lambda value, locale: value}}

@hookimpl
def commands():
    return [click.Command("{command}")]
"""


def test_filters_and_commands_are_collected(install: Install, points: Points) -> None:
    install("orderhub-x", x=EXTRAS.format(filter="loud", command="shout"))
    registry = Registry.load(points())
    assert list(registry.filters) == ["loud"]
    assert [each.name for each in registry.commands] == ["shout"]


def test_those_too_may_not_come_twice(install: Install, points: Points) -> None:
    install("orderhub-x", x=EXTRAS.format(filter="loud", command="shout"))
    install("orderhub-y", y=EXTRAS.format(filter="loud", command="shout"))
    registry = Registry.load(points())
    both = "comes twice: from orderhub-x:x and from orderhub-y:y"
    assert registry.problems == [f"command shout {both}", f"filter loud {both}"]
    assert not registry.filters and not registry.commands


def test_registries_do_not_share_anything(install: Install, points: Points) -> None:
    install("orderhub-acme", acme=CARRIER.format(name="acme"))
    full = Registry.load(points())
    assert Registry.load([]).adapters == {} and full.adapters
    with pytest.raises(TypeError):
        full.adapters["carrier", "x"] = full.adapters["carrier", "acme"]  # type: ignore[index]


def test_the_folders_under_plugins_are_what_is_installed() -> None:
    root = Path(__file__).parents[2] / "plugins"
    folders = {each.parent.name for each in root.glob("*/*/__init__.py")}
    named = {
        each.name for each in importlib.metadata.entry_points(group="orderhub") if each.value.startswith("plugins.")
    }
    assert folders == named, "folders and entry points differ: see pyproject.toml, then install again (uv sync)"


HEAVY = ("sqlalchemy", "starlette", "uvicorn", "apscheduler", "jinja2", "aiohttp", "pytest", "alembic", "yaml")


@pytest.mark.parametrize("module", ["hub.plugin", "hub.plugin.registry", "hub.plugin.http"])
def test_importing_the_door_is_light(module: str) -> None:
    code = f"import sys, {module}; print(*(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
