"""How fast answers become punches, on one core; without a site, a network or a database.

python -m biometric_integration.tests.benchmark.parsing --rows 200000
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.connectors.transport import Answer, Request, Transport
from biometric_integration.core.batches import BATCH, batches
from biometric_integration.core.by_position import ID_PAGE
from biometric_integration.core.connector import Connector, Page, RequestTrace, ServerConfig
from biometric_integration.core.devices import Device
from biometric_integration.core.source import Source
from biometric_integration.core.window import Window
from biometric_integration.simulator import FakeEBioServer, FakeETimeTrackLite, FakeServer
from biometric_integration.simulator.port import Incoming
from biometric_integration.tests.benchmark.past import Ledger, Past
from biometric_integration.tests.benchmark.table import Line, Table, machine

ROWS = 200_000
EMPLOYEES = 500
LAST_DAY = date(2025, 6, 30)
ZONE = "Asia/Kolkata"
TIMES = 3
FAKES: dict[str, type[FakeServer]] = {"eTimeTrackLite": FakeETimeTrackLite, "eBioServer": FakeEBioServer}

Pages = Callable[[Connector, Ledger], Iterator[tuple[str, Page]]]
"""All pages of a server, each with the unit it is of."""


class Canned(Transport):
	"""Gives the bytes of a fake server without a network; those of a question asked before lie ready."""

	def __init__(self, config: ServerConfig, fake: FakeServer) -> None:
		super().__init__(config)
		self._fake = fake
		self._bodies: dict[bytes, bytes] = {}

	def send(self, request: Request) -> Answer:
		body = bytes(request.body)
		if body not in self._bodies:
			self._bodies[body] = self._asked(request, body)
		trace = RequestTrace(request.operation, datetime.now(timezone.utc))
		return Answer(request, 200, BytesIO(self._bodies[body]), None, trace)

	def _asked(self, request: Request, body: bytes) -> bytes:
		headers = request.headers
		incoming = Incoming(
			"POST", urlsplit(request.url).path, headers["Content-Type"], headers["SOAPAction"], body
		)
		return self._fake.reply(incoming)[0].body


def _by_window(connector: Connector, ledger: Ledger) -> Iterator[tuple[str, Page]]:
	window = Window(datetime.combine(ledger.first_day, datetime.min.time()), ledger.now)
	units = [""] if connector.lists_devices else [device.serial for device in ledger.devices]
	for unit in units:
		for piece in connector.slices(window):
			yield unit, connector.read_window(unit, piece)


def _by_position(connector: Connector, ledger: Ledger) -> Iterator[tuple[str, Page]]:
	for position in range(0, ledger.count(ledger.first_day), ID_PAGE):
		yield "", connector.read_after("", position, ID_PAGE)


WAYS: tuple[tuple[str, str, Pages], ...] = (
	("eTimeTrackLite", "punches", _by_window),
	("eBioServer", "day", _by_window),
	("eBioServer", "live", _by_position),
)


@dataclass(frozen=True)
class Reading:
	"""One server type and feed, with all its answers in memory."""

	server_type: str
	feed: str
	pages: Pages
	connector: Connector
	source: Source
	ledger: Ledger

	def to_records(self) -> int:
		return sum(sum(1 for _ in page) for _unit, page in self.pages(self.connector, self.ledger))

	def to_punches(self) -> int:
		return sum(
			len(self.source.punches(unit, batch))
			for unit, page in self.pages(self.connector, self.ledger)
			for batch in batches(page, BATCH)
		)


class _NoStore:
	"""All devices are known: nothing has to be stored."""

	def __init__(self, known: list[Device]):
		self._known = known

	def devices(self, _server: str) -> list[Device]:
		return self._known

	def __getattr__(self, name: str) -> Any:
		raise AssertionError(f"the store was asked for {name}")


def measure(table: Table, rows: int = ROWS) -> None:
	ledger = Ledger(Past(rows, EMPLOYEES, LAST_DAY, ZONE))
	for server_type, feed, pages in WAYS:
		reading = _reading(server_type, feed, pages, ledger)
		found = reading.to_records()  # the answers are made here, before anything is timed
		if pages is _by_position:
			table.expect(f"rows of {server_type}, {feed}", found, ledger.count(ledger.first_day))
		for what, way in (("records", reading.to_records), ("named punches", reading.to_punches)):
			name = f"parsing: {server_type} ({feed}), bytes to {what}"
			table.add(Line(name, found, min(_seconds(way) for _ in range(TIMES)), note=f"best of {TIMES}"))


def _reading(server_type: str, feed: str, pages: Pages, ledger: Ledger) -> Reading:
	fake = FAKES[server_type](ledger)
	config = ServerConfig(
		"main", server_type, "http://127.0.0.1" + fake.path, "api", "secret", time_zone=ZONE
	)
	connector = CONNECTORS[server_type](config, transport=Canned(config, fake))
	store = _NoStore([_known(device) for device in ledger.devices])
	source = Source(store, connector, config, lambda: ledger.utc_now, ZONE)
	source.open()
	return Reading(server_type, feed, pages, connector, source, ledger)


def _known(device: Any) -> Device:
	pair = (device.name, device.location)
	return Device(f"key{device.serial}", device.name, device.serial, device.location, aliases=(pair,))


def _seconds(action: Callable[[], object]) -> float:
	started = time.perf_counter()
	action()
	return time.perf_counter() - started


def main(arguments: Iterable[str] | None = None) -> None:
	parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
	parser.add_argument("--rows", type=int, default=ROWS, help="at least so many (default: %(default)s)")
	options = parser.parse_args(arguments)
	table = Table(facts=[machine()])
	measure(table, options.rows)
	table.show()


if __name__ == "__main__":
	main()
