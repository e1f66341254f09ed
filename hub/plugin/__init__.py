"""The door for plugins: everything an adapter author needs, and nothing else. Light: no SQL, no web, no scheduler."""

from hub.clock import Clock
from hub.status import Meaning

from ._adapters import (
    Adapter,
    AddressKind,
    Button,
    Carrier,
    Channel,
    Form,
    Limits,
    Outgoing,
    Platform,
    Settings,
    StatusTables,
    TrackRequest,
    WriteBack,
    WriteBackStatus,
)
from ._hooks import hookimpl, hookspec
from ._outcomes import (
    Accepted,
    Config,
    Duplicate,
    FailureError,
    Outcome,
    Permanent,
    RefusedError,
    Suppress,
    Transient,
    Unknown,
    UnreadableError,
)
from ._phones import e164, sms_text
from ._signatures import digest, read_json, same_secret, verify_hmac
from ._targets import BODILESS, Method, Target, TargetAnswer, TargetCall, path_mistake
from ._webhook import Answer, Page, Raw, Received, WebhookRequest
from .http import expecting

__all__ = [
    "BODILESS",
    "Accepted",
    "Adapter",
    "AddressKind",
    "Answer",
    "Button",
    "Carrier",
    "Channel",
    "Clock",
    "Config",
    "Duplicate",
    "FailureError",
    "Form",
    "Limits",
    "Meaning",
    "Method",
    "Outcome",
    "Outgoing",
    "Page",
    "Permanent",
    "Platform",
    "Raw",
    "Received",
    "RefusedError",
    "Settings",
    "StatusTables",
    "Suppress",
    "Target",
    "TargetAnswer",
    "TargetCall",
    "TrackRequest",
    "Transient",
    "Unknown",
    "UnreadableError",
    "WebhookRequest",
    "WriteBack",
    "WriteBackStatus",
    "digest",
    "e164",
    "expecting",
    "hookimpl",
    "hookspec",
    "path_mistake",
    "read_json",
    "same_secret",
    "sms_text",
    "verify_hmac",
]
