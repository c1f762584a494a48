"""`biometric-integration bridge [run | check | status | init]`."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from biometric_integration.bridge import console
from biometric_integration.bridge.agent import status as standing
from biometric_integration.bridge.agent.agent import Agent, Busy
from biometric_integration.bridge.agent.check import LOGIN, Check
from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.settings import load
from biometric_integration.bridge.exits import Exit
from biometric_integration.bridge.store import utc_now
from biometric_integration.bridge.texts import write_new

DEFAULT_CONFIG = Path("bridge.toml")
EXAMPLE = Path(__file__).with_name("example.toml").read_text(encoding="utf-8")
ENDS = ("SIGINT", "SIGTERM", "SIGBREAK")


def run(path: Path, as_json: bool = False) -> Exit:
	"""Until Ctrl-C or SIGTERM."""
	journal = Journal(_to_stderr, utc_now)
	agent = Agent(load(path), journal)
	with closing(agent):
		try:
			agent.open()
		except Busy as busy:
			print(f"biometric-integration: {busy}", file=sys.stderr)
			return Exit.BUSY

		def end(number: int, frame: FrameType | None) -> None:
			# what is waited for here may be held by whom the signal has interrupted
			threading.Thread(target=agent.halt, daemon=True).start()

		for name in ENDS:
			with suppress(ValueError, AttributeError):
				signal.signal(getattr(signal, name), end)
		agent.run()
	return Exit.SUCCESS


def _to_stderr(line: str) -> None:
	sys.stderr.write(line)
	sys.stderr.flush()


def check(path: Path, as_json: bool = False) -> Exit:
	"""Step by step, from the file to the servers."""
	steps = []
	for step in Check(path).steps():
		if not as_json:
			print(console.step_line(step), flush=True)
		steps.append(asdict(step))
	wrong = [step["step"] for step in steps if step["ok"] is False]
	code = _code(wrong)
	if as_json:
		print(json.dumps({"ok": not wrong, "exit_code": int(code), "steps": steps}, indent=2))
	return code


def _code(wrong: list[str]) -> Exit:
	if any(step.endswith(LOGIN) for step in wrong):
		return Exit.AUTHENTICATION
	if "Configuration" in wrong or "Key" in wrong:
		return Exit.CONFIGURATION
	return Exit.FAILED if wrong else Exit.SUCCESS


def status(path: Path, as_json: bool = False) -> Exit:
	"""How things stand."""
	found = standing.overview(load(path), utc_now())
	if as_json:
		print(json.dumps(found, indent=2, default=str))
	else:
		print(*standing.lines(found), sep="\n")
	return Exit.SUCCESS


def init(path: Path, as_json: bool = False) -> Exit:
	"""A configuration with a comment for each key; one that is there stays as it is."""
	write_new(path, EXAMPLE)
	print(f"{path} is written. Fill in url and bridge, and write key and password into their files, then:")
	print(f"  biometric-integration bridge check --config {path}")
	return Exit.SUCCESS


ACTIONS: dict[str, Callable[[Path, bool], Exit]] = {
	"run": run,
	"check": check,
	"status": status,
	"init": init,
}
