"""One exchange: a request out, its whole answer in, within a time and a size, or a failure of the table."""

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from ._adapters import Limits
from ._failures import Call, condition_of
from ._outcomes import FailureError, UnreadableError
from ._signatures import read_json

LARGEST = Limits().answer
"""Bytes of one answer, on the wire and unpacked, where an adapter sets no limit of its own."""
LONGEST = 60.0
"""Seconds that a single call may ask for with `timeout=` (a long poll)."""


@dataclass(slots=True)
class Progress:
    """How far a request came. A transport that cannot say leaves `sent` at the worse assumption."""

    sent: bool = True
    word: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the adapter said about a request with `expecting`, and how many seconds it may take."""

    expect: frozenset[int]
    safe: bool
    seconds: float
    largest: int = LARGEST

    @classmethod
    def of(cls, request: httpx.Request, usual: float, largest: int = LARGEST) -> "Wish":
        """Read the request's extensions; `timeout=` of httpx, where given, is the whole exchange's time."""
        said = request.extensions.get("hub", {})
        times = [each for each in request.extensions.get("timeout", {}).values() if each is not None]
        seconds = min(max(times), LONGEST) if times else usual
        return cls(said.get("expect", frozenset()), bool(said.get("safe")), seconds, largest)


class AnswerTooLargeError(Exception):
    """An answer is larger than it may be."""


class UnreadableAnswerError(Exception):
    """An answer cannot be unpacked: `word` is the condition."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class Answered(httpx.Response):
    """A whole answer. Its `json()` fails like everything else here, with a `FailureError`."""

    call: Call

    def json(self, **_: Any) -> Any:
        """The body as JSON, read as strictly as any untrusted JSON."""
        try:
            return read_json(self.content)
        except UnreadableError as error:
            raise self.call.failure("garbled", str(error), status=self.status_code) from None


async def exchange(
    inner: httpx.AsyncBaseTransport,
    request: httpx.Request,
    call: Call,
    wish: Wish,
    heard: Callable[[httpx.Response], FailureError | None],
) -> httpx.Response:
    """Send a request and read its answer whole. `heard` sees the head of the answer and may turn it into a failure."""
    progress = Progress()
    # httpx has made a header of a name and password in the address; aiohttp refuses to see them twice.
    request.url = request.url.copy_with(userinfo=b"")
    request.extensions = {**request.extensions, "timeout": {}, "orderhub_progress": progress}
    try:
        async with asyncio.timeout(wish.seconds):
            head = await inner.handle_async_request(request)
            try:
                if (failure := heard(head)) is not None:
                    raise failure
                return await _whole(head, request, call, wish.largest)
            finally:
                await head.aclose()
    except TimeoutError:
        raise call.failure("no-answer" if progress.sent else "connect-time") from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        word = progress.word or _word(error)
        kind = str(error) if progress.word else type(error).__name__
        raise call.failure(word, "" if word == "name" else kind) from None  # there the class says nothing more


def refused(response: httpx.Response, wish: Wish) -> tuple[str, str] | None:
    """(condition, detail) of an answer that is neither good nor expected; None for one the adapter wants to see."""
    status = response.status_code
    if 200 <= status <= 299 or status in wish.expect:
        return None
    return condition_of(status), str(status)


async def _whole(head: httpx.Response, request: httpx.Request, call: Call, largest: int) -> Answered:
    try:
        body = unpack(await _body(head, largest), head.headers.get("content-encoding", ""), largest)
    except AnswerTooLargeError:
        raise call.failure("too-large", status=head.status_code) from None
    except UnreadableAnswerError as error:
        raise call.failure(error.word, status=head.status_code) from None
    except (httpx.TransportError, OSError) as error:
        raise call.failure("truncated", type(error.__cause__ or error).__name__, status=head.status_code) from None
    answer = Answered(
        head.status_code, headers=_kept(head.headers), content=body, request=request, extensions=head.extensions
    )
    answer.call = call
    return answer


_PACKING = {b"content-encoding", b"content-length", b"transfer-encoding"}


def _kept(headers: httpx.Headers) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers.raw if name.lower() not in _PACKING]


async def _body(head: httpx.Response, largest: int) -> bytes:
    stream = head.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    found = bytearray()
    async for chunk in stream:
        found += chunk
        if len(found) > largest:
            raise AnswerTooLargeError
    return bytes(found)


def unpack(data: bytes, encodings: str, largest: int = LARGEST) -> bytes:
    """Undo the content encodings (`gzip`, `deflate`, several separated by commas), never beyond `largest` bytes."""
    for each in reversed([word.strip().lower() for word in encodings.split(",")]):
        if not data or each in ("", "identity"):
            continue
        if each not in ("gzip", "x-gzip", "deflate"):
            raise UnreadableAnswerError("garbled")
        data = _inflated(data, each, largest)
    return data


def _inflated(data: bytes, encoding: str, largest: int) -> bytes:
    windows = (31,) if encoding.endswith("gzip") else (15, -15)  # "deflate" means two things in the wild
    for window in windows:
        packed = zlib.decompressobj(window)
        try:
            plain = packed.decompress(data, largest + 1)
        except zlib.error:
            continue
        if len(plain) > largest:
            raise AnswerTooLargeError
        if not packed.eof:
            raise UnreadableAnswerError("truncated")
        return plain
    raise UnreadableAnswerError("garbled")


_TYPES: tuple[tuple[type[Exception], str], ...] = (
    (httpx.PoolTimeout, "connect-time"),
    (httpx.ConnectTimeout, "connect-time"),
    (httpx.ConnectError, "connect"),
    (httpx.ProxyError, "connect"),
    (httpx.UnsupportedProtocol, "address"),
    (httpx.InvalidURL, "address"),
    (httpx.LocalProtocolError, "address"),
    (httpx.TimeoutException, "no-answer"),
    (httpx.RemoteProtocolError, "garbled"),
)
"""What a transport of httpx's own (or a mock) raises → condition; all else is `reset`."""


def _word(error: Exception) -> str:
    return next((word for kind, word in _TYPES if isinstance(error, kind)), "reset")
