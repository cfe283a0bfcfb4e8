"""A client of the pfxRecryptionRequest resource of Microsoft Graph.

    with Client("http://127.0.0.1:8080/beta", get_token=read_token) as client:
        got = client.get("sample")
        client.patch("sample", {"status": 7, "eTag": None}, if_match=got.etag)

An absent member keeps its value, None clears it, a value sets it. The README has the rules of retries.
"""

from .aio import AsyncClient
from .client import Client
from .core import Upserted, Versioned
from .errors import (
    AppliedError,
    ConnectionFailedError,
    Error,
    GraphError,
    MalformedAnswerError,
    NoEntityTagError,
    TokenError,
    UnknownOutcomeError,
)
from .models_gen import (
    ErrorDetail,
    PfxRecryptionRequest,
    PfxRecryptionRequestCreate,
    PfxRecryptionRequestSelection,
    PfxRecryptionRequestUpdate,
)

__all__ = [
    "AppliedError",
    "AsyncClient",
    "Client",
    "ConnectionFailedError",
    "Error",
    "ErrorDetail",
    "GraphError",
    "MalformedAnswerError",
    "NoEntityTagError",
    "PfxRecryptionRequest",
    "PfxRecryptionRequestCreate",
    "PfxRecryptionRequestSelection",
    "PfxRecryptionRequestUpdate",
    "TokenError",
    "UnknownOutcomeError",
    "Upserted",
    "Versioned",
]
