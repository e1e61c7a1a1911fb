"""The way to a socket's client for events that need not be waited for: encoded already, and written at once."""

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from db.base import Viewer
from graph.identity import Bearer
from graph.transports import AT_ONCE, WebSocketTransport


class Begun(Protocol):
    """An operation that was begun on a socket."""

    id: str


class SocketOutlet:
    """Of one operation on a socket: free while its client reads, and has not said that it has heard enough."""

    def __init__(
        self,
        transport: WebSocketTransport,
        bearer: Bearer,
        operation: Begun,
        operations: Mapping[str, Begun],
    ) -> None:
        self._transport, self._bearer = transport, bearer
        self._operation, self._operations = operation, operations
        self._head = b'{"id":' + orjson.dumps(operation.id) + b',"type":"next","payload":'

    def is_free(self) -> bool:
        return self._transport.is_free() and self._operations.get(self._operation.id) is self._operation

    def viewer(self) -> Viewer | None:
        return self._bearer.remembered()

    def send(self, payload: bytes) -> None:
        self._transport.write_text(b"".join((self._head, payload, b"}")))


def outlet_of(
    scope: Mapping[str, Any], bearer: Bearer | None, operation: Begun, operations: Mapping[str, Begun]
) -> SocketOutlet | None:
    """The outlet of an operation; None on a server that cannot write at once, or for nobody."""
    transport = scope.get("extensions", {}).get(AT_ONCE)
    if transport is None or bearer is None:
        return None
    return SocketOutlet(transport, bearer, operation, operations)
