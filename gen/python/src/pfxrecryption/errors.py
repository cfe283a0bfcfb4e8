"""The errors of a call."""

from __future__ import annotations

from .models_gen import ErrorDetail

_KINDS = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "notFound",
    412: "preconditionFailed",
    428: "preconditionRequired",
    429: "throttled",
    503: "unavailable",
}
_NO_API = "The base URL is not that of the API: it must end with the base path, such as /beta."


class Error(Exception):
    """The base class of this package's errors."""


class GraphError(Error):
    """A response that is not a success.

    ``status`` is the HTTP status, ``code`` the code of the Graph error (empty if the response has none), ``details`` the
    faults of the body. ``request_id`` identifies the request in the server's logs. ``retry_after`` is the wait before the
    next try in seconds, or None.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: tuple[ErrorDetail, ...] = (),
        request_id: str | None = None,
        client_request_id: str = "",
        retry_after: float | None = None,
        listed: bool = False,
    ) -> None:
        self.no_api = _is_no_api(status, code, message, listed)
        super().__init__(f"{message} {_NO_API}" if self.no_api else message)
        self.status = status
        self.code = code
        self.details = details
        self.request_id = request_id
        self.client_request_id = client_request_id
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """The kind, which decides what a caller can do about it: "notFound", "preconditionFailed", …, or "other"."""
        return "noAPI" if self.no_api else _KINDS.get(self.status, "other")


def _is_no_api(status: int, code: str, message: str, listed: bool) -> bool:
    """Whether a response says that the path does not exist.

    Only Graph's own 404 for an object's URL says that the object does not exist.
    """
    if status == 404:
        return listed or code in ("", "InvalidVersion")
    return status == 400 and message.startswith("Resource not found for the segment ")


class ConnectionFailedError(Error):
    """There was no complete response: the connection failed or broke, or the time was over.

    ``unsent`` reports that the request never reached the server.
    """

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(message)
        self.unsent = unsent


class UnknownOutcomeError(Error):
    """It is unknown whether the server applied the request: read the object before you retry.

    ``__cause__`` is the last error.
    """

    def __init__(self) -> None:
        super().__init__("It is unknown whether the request was applied: read the object before you send it again.")


class AppliedError(Error):
    """The change was applied, the response had no object, and reading the object failed."""

    def __init__(self) -> None:
        super().__init__("The change was applied, but the object could not be read afterwards.")


class MalformedAnswerError(Error):
    """The server reports success with a response that the contract does not allow."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The server reports success, but {fault}.")


class NoEntityTagError(Error):
    """The server sends no entity tags. Without them an update could overwrite the changes of other clients."""

    def __init__(self) -> None:
        super().__init__("The server sends no entity tag: without one, an update can overwrite the changes of others.")


class TokenError(Error):
    """``get_token`` failed. ``__cause__`` is what it raised."""
