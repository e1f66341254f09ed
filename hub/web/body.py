"""Bodies that strangers send: so many bytes, in so many seconds."""

import asyncio
from urllib.parse import parse_qsl

from starlette.requests import Request

SECONDS = 10
"""How long a sender may take to send its body."""
LARGEST_FORM = 64 * 1024
FIELDS = 100
"""More than any page of ours has: a box for each class in each channel, a question of a survey."""


class TooLargeError(Exception):
    """A body over the limit."""


async def read_body(request: Request, most: int) -> bytes:
    """The exact bytes of a body; raises `TooLargeError`, `TimeoutError` or `ClientDisconnect`."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise TooLargeError
    chunks, size = [], 0
    async with asyncio.timeout(SECONDS):
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise TooLargeError
            chunks.append(chunk)
    return b"".join(chunks)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form (`application/x-www-form-urlencoded`; of a name given twice the last), without NUL, which
    no database of ours takes in a text; raises like `read_body`, and ValueError for what is no such form."""
    body = await read_body(request, LARGEST_FORM)
    fields = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=FIELDS)
    return {name: value.replace("\0", "") for name, value in fields}
