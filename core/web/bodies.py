"""Bodies of requests, read as far and as long as was said."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

_FIELDS_AT_MOST = 20


async def body_of(request: Request, limit: int, seconds: int) -> bytes:
    """The body, raw. Raises HTTPException: 413 when it has, or says to have, more than `limit` bytes; 408 when it is not there in time."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or len(declared) > 15 or int(declared) > limit:
        raise HTTPException(413)
    found = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                found += chunk
                if len(found) > limit:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    return bytes(found)


def form_in(body: bytes) -> Mapping[str, str]:
    """The fields of a form as a browser sends it (application/x-www-form-urlencoded); nothing when it is none."""
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=_FIELDS_AT_MOST))
    except ValueError:
        return {}
