"""Believing a webhook: what is accepted, and above all what is not."""

import base64
import hashlib
import hmac
import json
import math
import time
import unicodedata
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.plugin import RefusedError, UnreadableError, WebhookRequest, digest, read_json, same_secret, verify_hmac

BODY = b'{"event":"TRACKING_UPDATED","data":{}}'
SECRET = "s3cr3t"
HEADER = "x-signature"
AFTERSHIP = "qw85mwx3vrUSSrQbB5WU1P/Zh0i4tw9wMUjGEnHFZG4="
EASYPOST = "hmac-sha256-hex=ab0f399b0c77beb5124ab41b079594d4ffd98748b8b70f703148c61271c5646e"
TRACK17 = "96885eefd353f099b7894e9437db481be6725f4ae012cfde82aa55390a9180f9"
HEX = EASYPOST.partition("=")[2]


def request(*signatures: str, body: bytes = BODY, header: str = HEADER) -> WebhookRequest:
    return WebhookRequest("POST", "", {}, [(header, each) for each in signatures], body)


def signed(body: bytes, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), body, algorithm).hexdigest()


def accepts(asked: WebhookRequest, secret: str | tuple[str, ...] = SECRET, **options: Any) -> bool:
    try:
        verify_hmac(asked, secret=secret, header=HEADER, **options)
    except RefusedError:
        return False
    return True


def test_vectors_of_real_senders_are_accepted() -> None:
    assert accepts(request(AFTERSHIP), encoding="base64")
    assert accepts(request(EASYPOST), unicodedata.normalize("NFKD", SECRET), prefix="hmac-sha256-hex=")
    shopify = b'{"id":6120043217117,"name":"#1071"}'
    right = "mpq8quHB4tFcF6Jv/tvi4mR7KCsz67OjyTBg1XNo/Mg="
    assert accepts(request(right, body=shopify), "hush-test-secret", encoding="base64")
    # 17TRACK signs without HMAC: the hash of the body, a slash and the key.
    assert same_secret(TRACK17, hashlib.sha256(BODY + b"/" + SECRET.encode()).hexdigest())


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_each_algorithm_is_its_own(algorithm: Literal["sha1", "sha256", "sha512"]) -> None:
    given_one = request(signed(BODY, algorithm=algorithm))
    assert [each for each in ("sha1", "sha256", "sha512") if accepts(given_one, algorithm=each)] == [algorithm]


BASE64_OF_HEX = base64.b64encode(bytes.fromhex(HEX)).decode()
WRONG_HEX = {
    "empty": [""],
    "missing": [],
    "doubled": [HEX, HEX],
    "doubled, one wrong": [HEX, "00" * 32],
    "two in one": [f"{HEX},{HEX}"],
    "truncated": [HEX[:-2]],
    "half a byte short": [HEX[:-1]],
    "extended": [HEX + "00"],
    "upper case": [HEX.upper()],
    "one capital": [HEX.replace("a", "A", 1)],
    "base64 for hex": [BASE64_OF_HEX],
    "blank before": [" " + HEX],
    "blank after": [HEX + " "],
    "newline after": [HEX + "\n"],
    "blanks within": [" ".join(HEX[i : i + 2] for i in range(0, 64, 2))],
    "with a prefix nobody asked for": ["sha256=" + HEX],
    "with 0x": ["0x" + HEX],
    "not hex": ["z" * 64],
    "not ASCII": ["é" * 64],
    "full-width digits": ["".join(chr(ord(each) + 0xFEE0) for each in HEX)],
    "lone surrogate": ["\ud800"],
    "NUL": [HEX + "\0"],
    "of another secret": [signed(BODY, "other")],
    "of the secret with a newline": [signed(BODY, SECRET + "\n")],
    "of no secret": [signed(BODY, "")],
    "of the reversed body": [signed(BODY[::-1])],
    "a plain hash": [hashlib.sha256(BODY).hexdigest()],
    "another algorithm": [signed(BODY, algorithm="sha1")],
    "the secret itself": [SECRET],
    "very long": ["ab" * 1_000_000],
}


@pytest.mark.parametrize("name", WRONG_HEX)
def test_a_wrong_hex_signature_is_refused(name: str) -> None:
    assert accepts(request(HEX))
    assert not accepts(request(*WRONG_HEX[name]))


@pytest.mark.parametrize(
    "signature",
    [
        "",
        HEX,
        AFTERSHIP[:-1],
        AFTERSHIP.rstrip("=") + "==",
        AFTERSHIP + "=",
        AFTERSHIP + "A",
        AFTERSHIP.replace("/", "_"),
        AFTERSHIP.lower(),
        AFTERSHIP[:20] + "\n" + AFTERSHIP[20:],
        " " + AFTERSHIP,
        AFTERSHIP[:-2] + "5=",  # decodes to the same bytes
        "é",
    ],
)
def test_a_wrong_base64_signature_is_refused(signature: str) -> None:
    assert accepts(request(AFTERSHIP), encoding="base64")
    assert not accepts(request(signature), encoding="base64")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(json.loads(BODY)).encode(),  # the same value, written differently
        BODY + b"\n",
        b"\xef\xbb\xbf" + BODY,
        BODY.decode().encode("utf-16"),
        BODY[:-1],
        b"",
    ],
)
def test_only_the_exact_bytes_count(body: bytes) -> None:
    assert not accepts(request(HEX, body=body))


@pytest.mark.parametrize("secret", ["", " ", "   \t\n", (), ("",), (" ", "")])
def test_an_empty_secret_proves_nothing(secret: str | tuple[str, ...]) -> None:
    for each in ("", " ", "   \t\n"):
        assert not accepts(request(signed(BODY, each)), secret)


def test_while_secrets_are_exchanged_both_are_good() -> None:
    for each in ("old", "new"):
        assert accepts(request(signed(BODY, each)), ("old", "new"))
    assert not accepts(request(signed(BODY, "older")), ("old", "new"))
    assert not accepts(request(signed(BODY, "")), ("", "new"))


def test_the_prefix_must_be_there() -> None:
    assert not accepts(request(HEX), prefix="sha256=")
    assert not accepts(request("SHA256=" + HEX), prefix="sha256=")
    assert accepts(request("sha256=" + HEX), prefix="sha256=")


def test_the_name_of_the_header_has_no_case() -> None:
    verify_hmac(request(HEX), secret=SECRET, header="X-Signature")


def test_a_refusal_tells_nothing() -> None:
    with pytest.raises(RefusedError) as caught:
        verify_hmac(request("00" * 32), secret=SECRET, header=HEADER)
    assert SECRET not in repr(caught.value) and "00" not in repr(caught.value)


def test_a_request_shows_nothing_in_its_repr() -> None:
    shown = repr(WebhookRequest("POST", "canary1", {"q": "canary2"}, [("h", "canary3")], b"canary4"))
    assert "canary" not in shown


@pytest.mark.parametrize(
    ("given_one", "secret", "same"),
    [
        ("abc", "abc", True),
        ("abc", "abd", False),
        ("", "", False),
        (" ", " ", False),
        (None, "abc", False),
        ("ключ", "ключ", True),
        ("\ud800", "abc", False),
    ],
)
def test_a_plain_secret_is_compared_whole(given_one: str | None, secret: str, same: bool) -> None:
    assert same_secret(given_one, secret) is same


HOSTILE = {
    "nothing": b"",
    "blanks": b"   ",
    "depth of 100,000": b"[" * 100_000 + b"]" * 100_000,
    "depth of 100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "depth of 65": b"[" * 65 + b"]" * 65,
    "never closed": b"[" * 1_000_000,
    "NaN": b'{"a": NaN}',
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "-1e999": b"[-1e999]",
    "5,000 digits": b"9" * 5_000,
    "1,001 digits": b"9" * 1_001,
    "lone surrogate": rb'{"a": "\ud800"}',
    "lone surrogate as a key": rb'{"\udfff": 1}',
    "surrogates the wrong way round": rb'["\udc00\ud800"]',
    "raw surrogate": b'["\xed\xa0\x80"]',
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice, escaped": rb'{"a": 1, "\u0061": 2}',
    "a key twice, deep": b'[{"b": {"a": 1, "a": 1}}]',
    "UTF-16 with mark": '{"a": 1}'.encode("utf-16"),
    "UTF-16 without mark": '{"a": 1}'.encode("utf-16-le"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "Latin-1": '{"a": "é"}'.encode("latin-1"),
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "two values": b"{} {}",
    "a comment": b"{} // x",
    "trailing comma": b"[1,]",
    "single quotes": b"{'a': 1}",
    "a raw newline": b'["a\nb"]',
    "a leading zero": b"[01]",
    "a plus": b"[+1]",
    "a point": b"[.5]",
    "gzip": b"\x1f\x8b\x08\x00",
    "overlong UTF-8": b'["\xc0\xaf"]',
    "a form": b"a=1&b=2",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_json_that_is_not_plain_is_unreadable(name: str) -> None:
    started = time.process_time()
    with pytest.raises(UnreadableError) as caught:
        read_json(HOSTILE[name])
    assert time.process_time() - started < 10
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b"[" * 64 + b"]" * 64, None),
        ('["\\ud83d\\ude00", "ключ"]'.encode(), ["😀", "ключ"]),
        (b"null", None),
        (b" [1, -0, 1.5, 1e3] \r\n", [1, 0, 1.5, 1000.0]),
        (b"9" * 1_000, int("9" * 1_000)),
        (b'{"id": 6120043217117}', {"id": 6120043217117}),
    ],
)
def test_plain_json_is_read(body: bytes, value: object) -> None:
    assert value is None or read_json(body) == value
    read_json(body)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_whatever_json_writes_is_read_back(value: object) -> None:
    found = read_json(json.dumps(value).encode())
    assert found == value


@given(st.binary(max_size=200))
def test_bytes_are_json_or_unreadable(body: bytes) -> None:
    try:
        found = read_json(body)
    except UnreadableError:
        return
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    assert not isinstance(found, float) or math.isfinite(found)


@given(st.lists(st.binary(max_size=6) | PLAIN, max_size=3), st.lists(st.binary(max_size=6) | PLAIN, max_size=3))
def test_different_parts_have_different_digests(one: list[Any], other: list[Any]) -> None:
    def canonical(parts: list[Any]) -> list[Any]:
        return [each if isinstance(each, bytes) else json.dumps(each, sort_keys=True) for each in parts]

    assert (digest(*one) == digest(*other)) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("ab",), ("a", "b")),
        ((), ("",)),
        ((b"",), ()),
        ((b'"a"',), ("a",)),
        ((1,), ("1",)),
        ((None,), ("null",)),
        (([1, 2],), (1, 2)),
        ((b"ab", b"c"), (b"a", b"bc")),
    ],
)
def test_a_digest_is_unambiguous(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert digest(*one) != digest(*other)


def test_a_digest_is_the_same_everywhere_and_whatever_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}, b"x") == digest({"b": 2, "a": 1}, b"x")
    assert digest("order", 7) == digest("order", 7)
    assert len(digest()) == 40 and digest() == hashlib.sha256().hexdigest()[:40]


def test_what_is_not_json_makes_no_digest() -> None:
    with pytest.raises(TypeError):
        digest(object())
