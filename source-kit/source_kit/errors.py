"""The exceptions of the engine, one class per kind of cause.

    AirbyteTracedException        (CDK: becomes one TRACE ERROR message)
    └── SourceError               anything the engine or a connector raises on purpose
        ├── ConfigError           config_error     the user must act: config, catalog, state, permissions
        │   └── StreamUnavailable config_error     one stream only: permission or plan feature is missing
        ├── TransientError        transient_error  trying again later helps
        └── ConnectorFault        system_error     a bug here, or an answer that nobody expected

`message` is for the user: what failed, which stream, what to do. `internal_message` is for the engineer: status,
endpoint, the vendor's request id. Neither may hold a secret or record data.
"""

from __future__ import annotations

from typing import ClassVar

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


class SourceError(AirbyteTracedException):
    """Base of the tree; raise one of its subclasses. `str(error)` is the user's message."""

    kind: ClassVar[FailureType] = FailureType.system_error
    message: str
    internal_message: str | None

    def __init__(
        self, message: str, *, internal_message: str | None = None, exception: BaseException | None = None
    ) -> None:
        super().__init__(
            internal_message=internal_message, message=message, failure_type=self.kind, exception=exception
        )


class ConfigError(SourceError):
    """The user must change something: a config value, a file, a permission."""

    kind = FailureType.config_error


class StreamUnavailable(ConfigError):
    """This account cannot read this one stream; the others go on."""


class TransientError(SourceError):
    """The vendor or the network is in trouble; the same sync later will work."""

    kind = FailureType.transient_error


class ConnectorFault(SourceError):
    """A bug, or an answer that contradicts the vendor's documentation."""

    kind = FailureType.system_error
