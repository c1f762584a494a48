"""What all that listens on a port of this machine has in common: it begins and ends, and refuses connections while its faults say so."""

from __future__ import annotations

import socket
import ssl
import threading
from types import TracebackType
from typing import TypeVar

from .faults import FaultPlan
from .port import HOST, Host, Port

_Self = TypeVar("_Self", bound="Listening")


class Listening(Host):
	"""Use it as a context manager, or call start() and stop()."""

	def _prepare(self, port: int, tls: ssl.SSLContext | None) -> None:
		"""`port` 0 takes a free one, which is kept over stop() and start()."""
		self.faults = FaultPlan(self._follow_plan)
		self._port = Port(self, port, tls)
		self._stopped = threading.Event()

	def start(self) -> None:
		self._stopped = threading.Event()
		self._port.open()
		self._follow_plan()

	def stop(self) -> None:
		"""Closes the port and all connections, also those that hang."""
		self._stopped.set()
		self._port.close()

	def __enter__(self: _Self) -> _Self:
		self.start()
		return self

	def __exit__(
		self,
		kind: type[BaseException] | None,
		error: BaseException | None,
		traceback: TracebackType | None,
	) -> None:
		self.stop()

	@property
	def port(self) -> int:
		"""0 before the first start, if none was given."""
		return self._port.number

	@property
	def url(self) -> str:
		"""The base URL, without a slash at the end."""
		return f"{'https' if self._port.tls else 'http'}://{HOST}:{self.port}"

	def _follow_plan(self) -> None:
		if self.faults.is_refusing:
			self._port.deafen()
		else:
			self._port.listen()

	# -- what the port asks --------------------------------------------------------------------------------

	def deafen(self, except_for: socket.socket) -> None:
		self._port.deafen(except_for)

	def pause(self, seconds: float) -> None:
		if self._stopped.wait(seconds):
			raise ConnectionAbortedError("the server was stopped")
