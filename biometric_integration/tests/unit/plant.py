"""A plant with a bridge in it: attendance servers, terminals that push, and a site behind the internet."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from biometric_integration.bridge import simulate
from biometric_integration.bridge.agent.agent import Agent
from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.settings import load
from biometric_integration.simulator import FakeServer, FakeSite, FakeTerminal, World

EBIO, ETIME, BIOTIME = "eBioServer", "eTimeTrackLite", "BioTime"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
FIRST = date(2026, 6, 1)
MORNING = datetime(2026, 6, 1, 9)
ZONE = "Asia/Kolkata"
PASSWORD = "pass-w0rd-of-a-server"
PUNCH = "%Y-%m-%d %H:%M:%S"


class Plant:
	"""One bridge with an injected clock: that of the world. `types`: of the servers that are read; each is a section of the file."""

	def __init__(
		self,
		*types: str,
		world: World | None = None,
		pushing: Iterable[str] = ("P1",),
		more: str = "",
		site: Mapping[str, Any] | None = None,
		in_file: bool = True,
		spool: str = "",
	):
		self.stack = ExitStack()
		self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
		self.world = world or World(MORNING, ZONE)
		self.began = self.world.now
		self.skew = timedelta()
		self.ticks = 0.0
		self.said: list[str] = []
		self.site = self.stack.enter_context(FakeSite(clock=lambda: self.world.utc_now, **(site or {})))
		self.fakes: dict[str, FakeServer[Any]] = {
			server_type: self.stack.enter_context(
				simulate.FAKES[server_type](self.world, user="api", password=PASSWORD)
			)
			for server_type in types
		}
		self.pushing = list(pushing)
		self.pushed: set[tuple[str, str, str]] = set()
		self.write(more, in_file, spool)
		self.agents: list[Agent] = []

	def close(self) -> None:
		self.stop()
		self.stack.close()

	# -- the file

	def write(self, more: str = "", in_file: bool = True, spool: str = "") -> None:
		(self.folder / "bridge.key").write_text(self.site.key + "\n")
		(self.folder / "bridge.key").chmod(0o600)
		(self.folder / "password").write_text(PASSWORD + "\n")
		servers = "".join(self.section(server_type, in_file) for server_type in self.fakes)
		self.config = self.folder / "bridge.toml"
		self.config.write_text(
			dedent(
				f"""\
				[site]
				url = "{self.site.url}"
				bridge = "Plant 1"
				key_file = "bridge.key"
				time_zone = "{ZONE}"
				timeout = 5
				[spool]
				file = "spool.sqlite"
				least_free_mb = 1
				{spool}
				[push]
				listen = "127.0.0.1:0"
				devices = {self.pushing}
				"""
			)
			+ servers
			+ dedent(more)
		)

	def section(self, server_type: str, in_file: bool) -> str:
		section = f'[server.{server_type.lower()}]\npassword_file = "password"\n'
		if not in_file:
			return section
		section += f'type = "{server_type}"\nurl = "{self.fakes[server_type].url}"\nuser = "api"\n'
		section += f"start_date = {FIRST}\n"
		if server_type == ETIME:
			section += f"devices = {[device.serial for device in self.world.devices]}\n"
		return section

	def server(self, server_type: str, **values: Any) -> dict[str, Any]:
		"""As the site names it."""
		return {
			"id": server_type.lower(),
			"type": server_type,
			"url": self.fakes[server_type].url,
			"user": "api",
			"time_zone": ZONE,
			"verify_tls": True,
			"ca_certificate": "",
			"timeout": 30,
			"overlap_hours": 2,
			"rescan_days": 10,
			"requests_at_once": 2,
			"sync_interval": 5,
			"start_date": FIRST.isoformat(),
			"devices": [
				{
					"serial": device.serial,
					"name": device.name,
					"location": device.location,
					"start_date": None,
				}
				for device in self.world.devices
			],
			**values,
		}

	# -- the bridge

	def clock(self) -> datetime:
		return self.world.utc_now + self.skew

	def monotonic(self) -> float:
		return (self.world.now - self.began).total_seconds() + self.ticks

	def start(self) -> Agent:
		"""Opened, and listening; what else it does is done by `read` and `speak`."""
		agent = Agent(load(self.config), Journal(self.said.append, self.clock), self.clock, self.monotonic)
		agent.open()
		if agent.terminals:
			agent.terminals.listen()
			self.port = agent.terminals.port
		self.agents.append(agent)
		return agent

	@property
	def agent(self) -> Agent:
		return self.agents[-1]

	def stop(self) -> None:
		while self.agents:
			agent = self.agents.pop()
			if agent.terminals:
				agent.terminals.close()
			agent.close()

	def terminal(self, serial: str = "P1", **values: Any) -> FakeTerminal:
		return FakeTerminal(f"http://127.0.0.1:{self.port}", serial, **{"timeout": 10, **values})

	def push(self, terminal: FakeTerminal, user_id: str, at: datetime) -> None:
		"""Somebody punches at a terminal; it is not sent by that."""
		terminal.punch(user_id, at)
		self.pushed.add((terminal.serial, user_id, f"{at:{PUNCH}}"))

	def later(self, by: timedelta) -> None:
		self.world.now += by

	def round(self, by: timedelta = 10 * MINUTE) -> None:
		"""Some time goes by, then all is read, sent and told."""
		self.later(by)
		self.agent.read()
		self.agent.speak()

	def drain(self, rounds: int = 12) -> None:
		"""Until the site has all there is."""
		for _round in range(rounds):
			self.round()
			if self.agent.forwarder.forward() and self.agent.spool.backlog().aside == 0:
				return

	# -- the truth

	def truth(self) -> set[tuple[str, str, str]]:
		"""(serial, user id, time) of whatever was punched and can be seen by now."""
		rows = (
			{(row.serial, row.code, f"{row.time:{PUNCH}}") for row in self.world.visible()}
			if self.fakes
			else set()
		)
		return rows | self.pushed

	def findings(self) -> dict[str, int]:
		"""What is wrong at the site; all of it should be 0."""
		truth, there = self.truth(), set(self.site.punches)
		return {
			"lost": len(truth - there),
			"double": sum(self.site.punches.values()) - len(there),
			"strange": len(there - truth),
		}


NOTHING_WRONG = {"lost": 0, "double": 0, "strange": 0}


def sent_twice(sent: Counter[tuple[str, str, str]]) -> int:
	return sum(count - 1 for count in sent.values())
