"""Which class speaks to which server type. A new type is one file here and one line below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from biometric_integration.connectors.biotime import BioTime
from biometric_integration.connectors.ebioserver import EBioServer
from biometric_integration.connectors.endpoint import SERVICE_ENDING
from biometric_integration.connectors.etimetracklite import ETimeTrackLite
from biometric_integration.connectors.transport import Transport, utc_now
from biometric_integration.core.connector import Connector, ServerConfig
from biometric_integration.core.errors import ConfigurationError


class ServerType(Connector, Protocol):
	"""A connector as all classes here are made. `service_names`: the files that its service is known by, the most usual first."""

	service_names: Sequence[str]

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


def named_by(url: str) -> str:
	"""The server type whose service an address names at its end; empty where it names none that is known."""
	file = _file(url)
	found = (
		name
		for name, kind in CONNECTORS.items()
		if any(file == _file(service) for service in kind.service_names)
	)
	return next(found, "")


def _file(path: str) -> str:
	return path.rstrip("/").rpartition("/")[2].lower()


def type_that_answers(config: ServerConfig, clock: Callable[[], datetime] = utc_now) -> str:
	"""Another server type than the chosen one, whose service is at this address; empty where none is.

	Behind the name of a file any service answers, and only the last question shows that it is another one.
	"""
	proof = "Operation" if _file(config.endpoint_url).endswith(SERVICE_ENDING) else "HTTP"
	for name, kind in CONNECTORS.items():
		if name == config.server_type:
			continue
		with closing(kind(replace(config, server_type=name, memory={}), clock)) as other:
			for step in other.test():
				if not step.ok:
					break
				if step.step == proof:
					return name
	return ""
