"""A fake server in a process of its own: what it does is not counted as ours, and it shares no interpreter with a worker."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, time
from multiprocessing.connection import Connection
from typing import Any

from biometric_integration.connectors.registry import connect
from biometric_integration.core.connector import ServerConfig, Unit
from biometric_integration.core.window import Window
from biometric_integration.simulator import FakeEBioServer, FakeETimeTrackLite, FakeServer, Fault, FaultKind
from biometric_integration.simulator.answers import Answer
from biometric_integration.simulator.faults import Hits
from biometric_integration.simulator.soap import Call
from biometric_integration.tests.attack import rig, workers
from biometric_integration.tests.attack.rig import PASSWORD
from biometric_integration.tests.benchmark.past import Ledger, Past

PATIENCE = 600
"""Seconds until a server has made up its past."""


class Prepared(FakeServer):
	"""Keeps what it has answered: a question asked before costs it no more than sending."""

	def __init__(self, *args: Any, **options: Any) -> None:
		super().__init__(*args, **options)
		self._kept: dict[tuple, Answer] = {}

	def _answer(self, call: Call, hits: Hits) -> Answer:
		key = (call.operation, *sorted(call.arguments.items()), call.is_soap12)
		if key not in self._kept:
			self._kept[key] = super()._answer(call, hits)
		return self._kept[key]


class PreparedETimeTrackLite(Prepared, FakeETimeTrackLite):
	pass


class PreparedEBioServer(Prepared, FakeEBioServer):
	pass


PREPARED = {"eTimeTrackLite": PreparedETimeTrackLite, "eBioServer": PreparedEBioServer}


class Remote:
	"""A server of a type with a past, on 127.0.0.1, as a context manager. `ledger` is the same past, in this process."""

	def __init__(self, server_type: str, past: Past, server_id: str = "") -> None:
		self.server_type = server_type
		self.ledger = Ledger(past)
		self.id = server_id or rig.SERVERS[server_type]
		self.url = ""

	def __enter__(self) -> Remote:
		context = rig.processes()
		self._pipe, theirs = context.Pipe()
		arguments = (self.server_type, self.ledger.past, theirs)
		self._process = context.Process(target=_serve, args=arguments, daemon=True)
		self._process.start()
		theirs.close()
		if not self._pipe.poll(PATIENCE):
			raise TimeoutError("the fake server does not start")
		self.url = self._pipe.recv()
		return self

	def __exit__(self, *exception: object) -> None:
		self._pipe.close()
		rig.end(self._process)

	@property
	def requests(self) -> int:
		"""How many arrived so far."""
		return self._ask("requests")

	def set_clock(self, now: datetime) -> None:
		self.ledger.now = now
		self._ask("clock", now)

	def set_delay(self, seconds: float) -> None:
		"""How long each answer is waited for from now on."""
		self._ask("delay", seconds)

	def hold(self, serial: str, seconds: float, others: float) -> None:
		"""How long each answer about this device, and about the others, is waited for from now on."""
		self._ask("hold", (serial, seconds, others))

	def prepare(self, first_day: date) -> None:
		"""Ask everything once that a first run from this day on will ask."""
		config = ServerConfig(
			self.id, self.server_type, self.url, "api", PASSWORD, time_zone=self.ledger.past.zone
		)
		window = Window(datetime.combine(first_day, time()), self.ledger.now)
		with closing(connect(config, lambda: self.ledger.utc_now)) as connector:
			by_device = connector.unit is Unit.DEVICE
			for unit in [device.serial for device in self.ledger.devices] if by_device else [""]:
				for piece in connector.slices(window):
					connector.read_window(unit, piece).close()

	def _ask(self, name: str, value: Any = None) -> Any:
		self._pipe.send((name, value))
		return self._pipe.recv()


def _serve(server_type: str, past: Past, pipe: Connection) -> None:
	"""The other process: serves until the pipe is closed, or its parent ends."""
	workers.end_with_parent()
	with PREPARED[server_type](Ledger(past), password=PASSWORD) as fake:
		pipe.send(fake.url)
		while True:
			try:
				name, value = pipe.recv()
			except EOFError:
				return
			pipe.send(COMMANDS[name](fake, value))


def _set_clock(fake: FakeServer, now: datetime) -> None:
	fake.world.now = now


def _set_delay(fake: FakeServer, seconds: float) -> None:
	fake.faults.clear()
	if seconds:
		fake.faults.add(Fault(FaultKind.HANG, times=None, seconds=seconds))


def _hold(fake: FakeServer, value: tuple[str, float, float]) -> None:
	serial, seconds, others = value
	fake.faults.clear()
	fake.faults.add(
		Fault(FaultKind.HANG, times=None, where={"SerialNumber": serial}, seconds=seconds),
		Fault(FaultKind.HANG, times=None, seconds=others),
	)


COMMANDS = {
	"requests": lambda fake, _: len(fake.requests),
	"clock": _set_clock,
	"delay": _set_delay,
	"hold": _hold,
}
