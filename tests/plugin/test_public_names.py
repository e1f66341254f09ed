"""The names that the door shows. Adding one is a decision; taking one away breaks a stranger's plugin."""

import inspect

import hub.plugin
import hub.plugin.http
import hub.plugin.sandbox

DOOR = """
Accepted Adapter AddressKind Answer BODILESS Button Carrier Channel Clock Config CouponWish Duplicate FailureError
Form Limits Meaning Method Outcome Outgoing Page Permanent Platform Raw Received RefusedError Settings StatusTables
Suppress TagScope TagWish Target TargetAnswer TargetCall TrackRequest Transient Unknown UnreadableError WebhookRequest
WriteBack WriteBackStatus digest e164 expecting hookimpl hookspec path_mistake read_json same_secret sms_text
verify_hmac
"""


def public(module: object) -> set[str]:
    """Names without an underscore that are no modules."""
    return {name for name, value in vars(module).items() if name[0] != "_" and not inspect.ismodule(value)}


def test_the_names_of_the_door() -> None:
    assert sorted(hub.plugin.__all__) == sorted(DOOR.split())
    assert public(hub.plugin) == set(DOOR.split())


def test_the_names_of_the_client() -> None:
    assert hub.plugin.http.__all__ == ["CONDITIONS", "BreakerState", "client_state", "expecting", "make_client"]


def test_the_names_of_the_sandbox_kit() -> None:
    names = ["ABORT", "Chaos", "Delivery", "Entry", "Ledger", "WebhookSender", "When", "serve"]
    assert hub.plugin.sandbox.__all__ == names
    assert public(hub.plugin.sandbox) == set(names)


def test_every_public_name_explains_itself() -> None:
    for name in DOOR.split():
        value = getattr(hub.plugin, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name} has no docstring"
