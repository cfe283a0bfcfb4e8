"""Reads responses. One that the contract does not allow is an error and never an object."""

from __future__ import annotations

import datetime
import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from .errors import GraphError, MalformedAnswerError
from .models_gen import ErrorDetail

# The largest body of a response, in bytes after decompression.
MAX_OBJECT = 1 << 20
MAX_PAGE = 16 << 20


@dataclass(frozen=True)
class Answer:
    """A response whose body was read to the end. The names of ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Fraction(float):
    """A number that is not an integer literal."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("duplicate member")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _decode(body: bytes) -> Any:
    """Decodes I-JSON (RFC 7493)."""
    text = body.decode("utf-8")
    value = json.loads(text, object_pairs_hook=_object, parse_float=_Fraction, parse_constant=_no_constant)
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # raises for a lone surrogate
    return value


def is_json(answer: Answer) -> bool:
    media = answer.headers.get("content-type", "").partition(";")[0]
    return media.strip(" \t").lower() == "application/json"


def content(answer: Answer) -> Any:
    """Returns the content of a success."""
    if not is_json(answer):
        raise MalformedAnswerError("the response is not application/json: check the base URL")
    try:
        return _decode(answer.body)
    except (ValueError, RecursionError) as err:
        raise MalformedAnswerError("the response is not JSON") from err


_TAG = re.compile(r'(W/)?"[^"]*"')


def entity_tag(answer: Answer, value: Mapping[str, Any]) -> str:
    """Returns the entity tag of an object: the header field or, from Microsoft Graph, the annotation."""
    for tag in (answer.headers.get("etag"), value.get("@odata.etag")):
        if isinstance(tag, str) and _TAG.fullmatch(tag):
            return tag
    return ""


_KEY = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,12})?)?"
    r"([Zz]|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)


def is_key(value: object) -> bool:
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def _guid(value: object) -> bool:
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def _text(value: object) -> bool:
    return value is None or isinstance(value, str) and "\0" not in value and len(value.encode("utf-8")) <= 1024


def _int32(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31


def _time(value: object) -> bool:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return False
    year, month, day = (int(part) for part in found.groups()[:3])
    try:
        datetime.date(year or 2000, month, day)  # Python has no year 0, which is a leap year like 2000
    except ValueError:
        return False
    return True


def _boolean(value: object) -> bool:
    return isinstance(value, bool)


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "@odata.type": lambda value: value == "#microsoft.graph.pfxRecryptionRequest",
    "id": is_key,
    "tenantId": _guid,
    "userId": _guid,
    "deviceId": _guid,
    "profileId": _guid,
    "thumbprint": _text,
    "deviceKeyThumbprint": _text,
    "status": _int32,
    "sourceType": _int32,
    "createdTime": _time,
    "lastModifiedTime": _time,
    "isDeleted": _boolean,
    "eTag": _text,
}


def check_object(value: Any, members: Collection[str] | None = None) -> Any:
    """Returns value as an object. It must have the named members, and each member must have its type."""
    if not isinstance(value, dict):
        raise MalformedAnswerError("the response is not an object")
    for name, check in _CHECKS.items():
        if check(value[name]) if name in value else name != "@odata.type" and members is not None and name not in members:
            continue
        raise MalformedAnswerError(f"the response has no valid {name}")
    return value


def check_page(value: Any, members: Collection[str] | None) -> tuple[list[Any], str | None]:
    """Returns the objects of a page and the URL of the next page."""
    objects = value.get("value") if isinstance(value, dict) else None
    if not isinstance(objects, list) or not isinstance(value.get("@odata.nextLink", ""), str):
        raise MalformedAnswerError("the response is not a page of objects")
    return [check_object(entry, members) for entry in objects], value.get("@odata.nextLink")


def graph_error(answer: Answer, client_request_id: str, listed: bool) -> GraphError:
    """Returns the error for a response that is not a success. Its body may be anything."""
    error: Any = None
    if is_json(answer) and len(answer.body) <= MAX_OBJECT:
        try:
            error = _member(json.loads(answer.body.decode("utf-8")), "error")
        except (ValueError, RecursionError):
            pass
    code, message, details = (_member(error, name) for name in ("code", "message", "details"))
    return GraphError(
        answer.status,
        code if isinstance(code, str) else "",
        message if isinstance(message, str) and message else _fallback(answer.status),
        details=tuple(d for d in details if _is_detail(d)) if isinstance(details, list) else (),
        request_id=answer.headers.get("request-id"),
        client_request_id=client_request_id,
        retry_after=retry_after(answer.headers),
        listed=listed,
    )


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _is_detail(value: Any) -> bool:
    return all(isinstance(_member(value, name), str) for name in ErrorDetail.__required_keys__)


def _fallback(status: int) -> str:
    if 300 <= status <= 399:
        return "The server redirects, which is not followed: check the base URL."
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"The server answered {status}."


_MAX_RETRY_AFTER = float(2**31 - 1)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Reads Retry-After (RFC 9110 §10.2.3), seconds or a date. A date is relative to Date, the server's clock."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(min(int(text[:20]), _MAX_RETRY_AFTER))
    at = _date(text)
    if at is None:
        return None
    return min(max(0.0, at - (_date(headers.get("date", "")) or time.time())), _MAX_RETRY_AFTER)


def _date(text: str) -> float | None:
    """Reads an HTTP date in its three forms (RFC 9110 §5.6.7). asctime, which has no zone, is also UTC."""
    if not re.match(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)", text):
        return None
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or datetime.timezone.utc).timestamp()
