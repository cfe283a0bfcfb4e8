"""The source of tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .errors import TokenError


def provider(token: str | None, get_token: Callable[[str | None], Any] | None) -> Callable[[str | None], Any]:
    """Returns the source of tokens. Exactly one of the two must be given."""
    if (token is None) == (get_token is None):
        raise TypeError("give either token or get_token")
    if get_token is not None:
        return get_token
    checked(token)
    return lambda _: token


def checked(token: object) -> str:
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError("a token must be a string of visible ASCII characters, and not empty")
    return token


def token_error(err: Exception) -> TokenError:
    return TokenError(f"get_token failed: {err}")
