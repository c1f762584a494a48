"""`bridge status`: how things stand, read from the spool, whether a bridge runs or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from biometric_integration.bridge.agent import settings as files
from biometric_integration.bridge.agent.agent import LOCK, locks_of
from biometric_integration.bridge.agent.settings import MB, Settings
from biometric_integration.bridge.agent.spool import Spool
from biometric_integration.core.errors import ConfigurationError

Values = Mapping[str, Any]


def overview(settings: Settings, now: datetime) -> dict[str, Any]:
	"""As one object for programs. `now` is aware UTC. Raises ConfigurationError where there is no spool yet."""
	if not settings.spool.file.exists():
		raise ConfigurationError(f"There is no spool {settings.spool.file} yet: no bridge has run with it.")
	with closing(locks_of(settings.spool.file)) as locks:
		runs = not locks.take(LOCK)
	with closing(Spool(settings.spool.file, names=settings.names)) as spool, spool.snapshot():
		backlog = spool.backlog()
		answer = spool.fact("settings", {})
		return {
			"now": _utc(now),
			"bridge": settings.site.bridge,
			"site": settings.site.url,
			"runs": runs,
			"report": spool.fact("report", {"last": None, "problem": "", "clock_ahead": None}),
			"backlog": {
				"waiting": backlog.waiting,
				"oldest": _utc(backlog.oldest),
				"aside": backlog.aside,
				"bytes": spool.used(),
				"limit": settings.spool.limit,
			},
			"aside": spool.aside(),
			"unreadable": spool.database.value("SELECT COUNT(*) FROM event WHERE kind='Invalid'"),
			"at_site": spool.database.value(
				"SELECT COUNT(*) FROM event WHERE done_at IS NOT NULL AND kind='Punch'"
			),
			"servers": _servers(settings, answer, spool.facts("server:")),
			"devices": [
				{"serial": row["serial"], "heard": _utc(datetime.fromisoformat(row["last"]))}
				for row in spool.database.rows("SELECT serial, last FROM contact ORDER BY serial")
			],
			"strangers": spool.fact("strangers", []),
		}


def _servers(settings: Settings, answer: Values, runs: Values) -> list[dict[str, Any]]:
	nothing = {"status": "", "message": "", "at": None}
	return [
		{
			"server": plan.id,
			"type": plan.config.server_type,
			"fault": plan.fault,
			**nothing,
			**runs.get(plan.id, {}),
		}
		for plan in files.plans(settings, answer)
	]


def _utc(moment: datetime | None) -> str | None:
	return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


def lines(found: Values) -> Iterator[str]:
	"""For people."""
	backlog, report = found["backlog"], found["report"]
	yield f"It is {found['now']} (UTC)."
	yield f"Bridge {found['bridge']}, for {found['site']}: {'runs' if found['runs'] else 'DOES NOT RUN'}."
	yield f"Last report to the site: {report['last'] or 'never'}. {report['problem']}".rstrip()
	since = f", the oldest since {backlog['oldest']}" if backlog["oldest"] else ""
	yield f"{backlog['waiting']:,} punches wait for the site{since}; {found['at_site']:,} that are kept here are at the site."
	yield f"Spool: {backlog['bytes'] // MB:,} of {backlog['limit'] // MB:,} MB."
	yield from map(_server_line, found["servers"])
	yield from (f"  device {each['serial']} pushes, heard {each['heard']}" for each in found["devices"])
	if found["unreadable"]:
		yield f"{found['unreadable']:,} rows could not be read as punches and stay here."
	if backlog["aside"]:
		yield f"{backlog['aside']:,} punches lie aside:"
	for each in found["aside"]:
		yield f"  {each['punches']:,} of {each['serial'] or each['device'] or '?'}, {each['first']} to {each['last']}: {each['reason']}"
	for each in found["strangers"]:
		yield f"  {each['serial']} at {each['address']} tries to push and is not expected ({each['times']:,} times, {each['last']})"


def _server_line(server: Values) -> str:
	run = f"{server['status']} at {server['at']}" if server["at"] else "not read yet"
	return f"  server {server['server']} ({server['type']}): {run}. {server['fault'] or server['message']}".rstrip()
