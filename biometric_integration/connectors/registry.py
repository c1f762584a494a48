"""Which class speaks to which server type. A new type is one file here and one line below."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from biometric_integration.connectors.biotime import BioTime
from biometric_integration.connectors.ebioserver import EBioServer
from biometric_integration.connectors.etimetracklite import ETimeTrackLite
from biometric_integration.connectors.transport import Transport, utc_now
from biometric_integration.core.connector import Connector, ServerConfig
from biometric_integration.core.errors import ConfigurationError


class ServerType(Connector, Protocol):
	"""A connector as all classes here are made."""

	def __init__(
		self,
		config: ServerConfig,
		clock: Callable[[], datetime] = utc_now,
		transport: Transport | None = None,
	): ...


CONNECTORS: dict[str, type[ServerType]] = {
	"BioTime": BioTime,
	"eBioServer": EBioServer,
	"eTimeTrackLite": ETimeTrackLite,
}


def connect(config: ServerConfig, clock: Callable[[], datetime] = utc_now) -> Connector:
	"""The connector for a server; nothing is sent yet. `clock` gives aware UTC.

	Raises ConfigurationError for a server type that nobody wrote a connector for.
	"""
	connector = CONNECTORS.get(config.server_type)
	if connector is None:
		raise ConfigurationError(
			f'The server type "{config.server_type}" is not known: choose one of {", ".join(CONNECTORS)}.'
		)
	return connector(config, clock)
