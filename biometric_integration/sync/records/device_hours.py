"""Biometric Device Hour: what came of each device in each hour, its signs of life. All times in the site's clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import frappe
from frappe.query_builder import DocType
from frappe.utils import now_datetime

from biometric_integration.core.arrivals import HOUR, arrivals, sign_of_life
from biometric_integration.core.evidence import DeviceHour
from biometric_integration.core.punch import RESET_END, Kind, Punch
from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import servers

DOCTYPE = "Biometric Device Hour"
_time = datetime.fromisoformat
REMEMBERED = 45 * DAY
"""As far back as workdays are looked at."""
FIELDS = (
	"name",
	"creation",
	"modified",
	"owner",
	"modified_by",
	"device",
	"hour",
	"punches",
	"backlog",
	"first_arrival",
	"last_arrival",
	"punch_sign",
	"ping_sign",
)
MERGING = {
	"punches": sql.ADDED,
	"backlog": sql.ADDED,
	"first_arrival": sql.EARLIEST,
	"last_arrival": sql.LATEST,
	"punch_sign": sql.LATEST,
	"ping_sign": sql.LATEST,
	"modified": sql.LATEST,
}


def note(punches: Sequence[Punch], arrived: datetime) -> None:
	"""These came, and were never here before; what does not say when it came has `arrived` just now."""
	rows = [
		_row(one.device, one.hour, one.punches, one.backlog, one.at, one.sign, None)
		for one in arrivals(punches, arrived, servers.allowed_drift())
	]
	sql.merge(DOCTYPE, FIELDS, sorted(rows, key=lambda row: row[0]), MERGING)


def note_ping(device: str, ping: datetime, at: datetime) -> None:
	"""The server said `at` this time that it last heard of the device at `ping`: that is when there was contact, however often it is said again."""
	note_pings({device: ping}, at)


def note_pings(pings: Mapping[str, datetime], at: datetime) -> None:
	"""The same of many devices."""
	drift = servers.allowed_drift()
	signs = {device: sign_of_life([ping], at, drift) for device, ping in pings.items()}
	rows = [
		_row(device, sign.replace(minute=0, second=0, microsecond=0), 0, 0, sign, None, sign)
		for device, sign in sorted(signs.items())
		if sign
	]
	sql.merge(DOCTYPE, FIELDS, rows, MERGING)


def _row(
	device: str,
	hour: datetime,
	punches: int,
	backlog: int,
	at: datetime,
	punch_sign: datetime | None,
	ping_sign: datetime | None,
) -> tuple:
	now, user = now_datetime(), frappe.session.user
	name = f"{_stamp(hour)}-{device}"
	return (name, now, now, user, user, device, hour, punches, backlog, at, at, punch_sign, ping_sign)


def _stamp(moment: datetime) -> str:
	"""How the names of an hour begin: they are in the order of time."""
	return f"{moment:%Y%m%d%H}"


def of_devices(devices: Collection[str], since: datetime) -> dict[str, list[DeviceHour]]:
	"""Device → its hours, oldest first; nothing for one of which nothing came.

	Each row comes as one text: of 200 devices there are 100,000, and the driver takes ten times as long over columns.
	"""
	found: dict[str, list[DeviceHour]] = {}
	if devices:
		rows = frappe.db.sql(
			f"""SELECT CONCAT_WS('|', `hour`, `punches`, `backlog`, IFNULL(`first_arrival`, `hour`), IFNULL(`last_arrival`, `hour`), IFNULL(`punch_sign`, ''),
				IFNULL(`ping_sign`, ''), `device`) FROM `tab{DOCTYPE}` WHERE `device` IN %s AND `hour`>=%s ORDER BY `device`, `hour`""",
			(sorted(devices), since),
		)
		for (text,) in rows:
			hour, punches, backlog, first, last, punch, ping, device = text.split("|", 7)
			row = DeviceHour(
				_time(hour),
				int(punches),
				_time(first),
				_time(last),
				_time(punch) if punch else None,
				_time(ping) if ping else None,
				int(backlog),
			)
			found.setdefault(device, []).append(row)
	return found


def days(since: datetime) -> set[date]:
	"""On which something came, of whichever device."""
	row = DocType(DOCTYPE)
	came = (row.name >= _stamp(since)) & ((row.punches > 0) | (row.backlog > 0))
	hours = frappe.qb.from_(row).select(row.hour).distinct().where(came).run(pluck=True)
	return {hour.date() for hour in hours}


def kept_since() -> datetime | None:
	"""When the first sign of life was noted. The hour of a ping may lie long before that."""
	rows = frappe.db.sql(
		f"SELECT MIN(IF(`punches` + `backlog` > 0, `hour`, `creation`)) FROM `tab{DOCTYPE}`"
	)  # the query builder has no words for the condition inside
	return rows[0][0]


def forget(device: str) -> None:
	frappe.db.delete(DOCTYPE, {"device": device})


def names_before(moment: datetime, limit: int) -> list[str]:
	return frappe.get_all(DOCTYPE, {"name": ("<", _stamp(moment))}, pluck="name", limit=limit)


def fill(since: datetime) -> None:
	"""From the events that have come since. Hours that are there already are left alone."""
	frappe.db.sql(
		f"""INSERT INTO `tab{DOCTYPE}`
			(`name`, `creation`, `modified`, `owner`, `modified_by`, `device`, `hour`, `punches`, `backlog`, `first_arrival`, `last_arrival`,
			`punch_sign`)
		SELECT CONCAT(DATE_FORMAT(e.`creation`, '%%Y%%m%%d%%H'), '-', e.`device`), MIN(e.`creation`), %(now)s, %(user)s, %(user)s, e.`device`,
			DATE_FORMAT(e.`creation`, '%%Y-%%m-%%d %%H:00:00'), SUM(e.`punch_time` >= e.`creation` - INTERVAL %(hour)s SECOND),
			SUM(e.`punch_time` < e.`creation` - INTERVAL %(hour)s SECOND), MIN(e.`creation`), MAX(e.`creation`),
			MAX(IF(e.`punch_time` BETWEEN %(reset)s AND e.`creation` + INTERVAL %(drift)s SECOND,
				LEAST(e.`punch_time`, e.`creation`), NULL))
		FROM `tabBiometric Staging Event` e
		WHERE e.`creation` >= %(since)s AND e.`kind` = %(kind)s AND e.`device` != '' AND e.`punch_time` IS NOT NULL
		GROUP BY 1, e.`device`
		ON DUPLICATE KEY UPDATE `name` = `tab{DOCTYPE}`.`name`""",
		{
			"now": now_datetime(),
			"user": frappe.session.user,
			"hour": int(HOUR.total_seconds()),
			"reset": RESET_END,
			"drift": int(servers.allowed_drift().total_seconds()),
			"since": since,
			"kind": Kind.PUNCH.value,
		},
	)  # millions of events may be there: set-based
