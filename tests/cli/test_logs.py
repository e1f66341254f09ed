"""What is logged, and what is taken out of it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from hub.cli._logs import QUIET, Redactor, set_up

PERSONAL = {
    "a mail address": ("sent to anna.nowak+shop@customer.example, done", "sent to <e-mail>, done"),
    "a mail address in brackets": ("Anna <anna@customer.example>", "Anna <<e-mail>>"),
    "letters of other alphabets": ("до анна@пошта.укр", "до <e-mail>"),
    "a number": ("call +380 67 123-45-67 now", "call <phone> now"),
    "a number as carriers want it": ("phone 380671234567", "phone <number>"),
    "a number as people write it": ("call 067 123 45 67", "call <phone>"),
    "a number with brackets": ("call +38 (067) 123 45 67", "call <phone>"),
    "a chat": ("chat 123456789 is closed", "chat <number> is closed"),
    "a bot's token": (f"GET /bot123456789:{'aB3' * 12}/getMe", "<token>/getMe"),
    "a bearer": ("Authorization: Bearer abc.def-123", "<"),
    "a key in an address": ("https://x.example/?api_key=abcd1234&page=2", "https://x.example/?api_key=<secret>&page=2"),
    "a password": ('{"password": "pw with"}', '{"password": "<secret> with"}'),
    "a shop's token": ("shpat_0123456789abcdef", "<token>"),
    "a signed token": ("eyJhbGciOiJI.eyJzdWIi.c2ln", "<token>"),
    "a link": ("GET /e/abcDEF123-_abcdefABCDEF1234", "GET /e/<token>"),
    "a key": ("key 0123456789abcdef0123456789abcdef", "key <token>"),
}
PLAIN = (
    "order main-shop:5435435435435 is ready_for_pickup",
    "parcel 20450999123456 of nova-poshta",
    "2026-11-24T19:00:08.123+00:00 took 0.25 s",
    "127.0.0.1:8080 and http://127.0.0.1:34727",
    "event 12 of 1024, e99, m12345",
    "uk.co.example.module.function_with_a_very_long_name_indeed",
    "orderhub 0.1.0, 3 connections",
)


@pytest.mark.parametrize(("text", "left"), PERSONAL.values(), ids=PERSONAL)
def test_what_is_personal_or_secret_is_taken_out(text: str, left: str) -> None:
    assert left in Redactor()(text)


@pytest.mark.parametrize("text", PLAIN)
def test_everything_else_stays(text: str) -> None:
    assert Redactor()(text) == text


def test_secrets_of_the_configuration_are_known_word_for_word() -> None:
    redact = Redactor({"pa ss", "pa ss word"})
    redact.learn({"other"})
    assert redact("pa ss word, other, pa ss") == "<secret>, <secret>, <secret>"


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    found = logging.getLogger()
    handlers, level = found.handlers[:], found.level
    levels = {name: logging.getLogger(name).level for name in QUIET}
    yield found
    found.handlers[:] = handlers
    found.setLevel(level)
    for name, each in levels.items():
        logging.getLogger(name).setLevel(each)


def test_a_line_is_one_json_object(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up("auto", "info", Redactor(), stream)
    logging.getLogger("hub.x").info("sent\nto %s", "a@b.example")
    line = json.loads(stream.getvalue())
    assert (line["level"], line["logger"], line["message"]) == ("info", "hub.x", "sent\nto <e-mail>")
    assert line["time"].endswith("+00:00") and stream.getvalue().count("\n") == 1


def test_a_trace_is_redacted_too(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up("json", "info", Redactor(), stream)
    try:
        raise ValueError("anna@customer.example")
    except ValueError:
        logging.getLogger("hub.x").exception("failed")
    line = json.loads(stream.getvalue())
    assert "ValueError: <e-mail>" in line["trace"] and "anna" not in stream.getvalue()


def test_people_get_plain_lines_that_cannot_steer_their_terminal(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up("text", "info", Redactor(), stream)
    logging.getLogger("hub.x").warning("odd \x1b[2J %s", "text")
    assert stream.getvalue()[8:] == " warning: odd  [2J text\n"


def test_a_wrong_log_call_does_not_cost_the_line(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up("json", "info", Redactor(), stream)
    logging.getLogger("hub.x").info("%d things", "a@b.example")
    assert json.loads(stream.getvalue())["message"] == "%d things"


def test_libraries_are_heard_from_warnings_upwards(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up("json", "info", Redactor(), stream)
    logging.getLogger("httpx").info("chatter")
    logging.getLogger("apscheduler.executors").info("chatter")
    logging.getLogger("httpx").warning("trouble")
    assert stream.getvalue().count("\n") == 1
