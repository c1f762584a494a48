"""Rows as BioTime writes them, with all that is nobody's business (sources-protocols §1.2, §1.4)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Literal

from .world import SimDevice, SimPunch, SimRaw, World

Numbers = Literal["usual", "text", "integers"]
Row = dict[str, Any]

MOMENT = "%Y-%m-%d %H:%M:%S"
STATES = {"in": 0, "out": 1}
NO_STATE = 255
STATE_WORDS = {"en": {0: "Check In", 1: "Check Out"}, "fr": {0: "Entrée", 1: "Sortie"}}
VERIFY_WORDS = {1: "Fingerprint", 4: "Card", 15: "Face"}
OFFLINE_AFTER = timedelta(minutes=10)

PERSONAL: Row = {
	"first_name": "Vornamenlos",
	"last_name": "Nachnamenlos",
	"department": "Geheimabteilung",
	"position": "Geheimposten",
	"temperature": "38.9",
	"is_mask": "MaskeJa",
	"gps_location": "Wohnung, Musterstr. 7",
	"longitude": 77.594566,
	"latitude": 12.971599,
	"mobile": "+91 98450 00007",
	"photo": "/9j/4AAQSkZJRgABgesicht",
}
"""What stands in each row about a person and must be kept nowhere, in values that are easy to find again."""
SECRETS: Row = {
	"device_password": "4711",
	"card_no": "99887766",
	"self_password": "pbkdf2_sha256$36000$nohash",
}
"""What stands in each employee."""


def transaction(
	row: SimPunch, device: SimDevice | None, uploaded: datetime, numbers: Numbers, language: str
) -> Any:
	"""`device` is None for a row of no device. A `SimRaw` is what its text says: any JSON, or else the text itself."""
	if isinstance(row, SimRaw):
		return _json_or_text(row.code)
	state = STATES.get(row.direction, NO_STATE)
	verify = (1, 15, 4)[row.log_id % 3]
	return {
		"id": str(row.log_id) if numbers == "text" else row.log_id,
		"emp": None,
		"emp_code": row.code,
		**{name: PERSONAL[name] for name in ("first_name", "last_name", "department", "position")},
		"punch_time": row.time.strftime(MOMENT),
		"punch_state": state if numbers == "integers" else str(state),
		"punch_state_display": STATE_WORDS.get(language, STATE_WORDS["en"]).get(state),
		"verify_type": str(verify) if numbers == "text" else verify,
		"verify_type_display": VERIFY_WORDS[verify],
		"work_code": None,
		"gps_location": PERSONAL["gps_location"],
		"area_alias": device.location if device else None,
		"terminal_sn": row.serial,
		"temperature": PERSONAL["temperature"],
		"is_mask": PERSONAL["is_mask"],
		"terminal_alias": device.name if device else None,
		"upload_time": uploaded.strftime(MOMENT),
		"longitude": PERSONAL["longitude"],
		"latitude": PERSONAL["latitude"],
		"mobile": PERSONAL["mobile"],
		"photo": PERSONAL["photo"],
		"source": 1 if device else 2,
		"terminal": None,
	}


def terminal(
	number: int, device: SimDevice, world: World, numbers: Numbers, zone_in: Literal["hours", "minutes"]
) -> Row:
	heard = world.last_ping(device.serial)
	state = 1 if world.now - heard < OFFLINE_AFTER else 3
	area = {"id": 1, "area_code": device.location, "area_name": device.location}
	return {
		"id": number,
		"sn": device.serial,
		"ip_address": f"192.0.2.{number}",
		"alias": device.name,
		"terminal_name": None,
		"fw_ver": None,
		"push_ver": "2.4.1",
		"state": state if numbers == "integers" else str(state),
		"terminal_tz": _zone(world, zone_in),
		"area": area,
		"last_activity": heard.strftime(MOMENT),
		"user_count": None,
		"fp_count": None,
		"face_count": None,
		"palm_count": None,
		"transaction_count": None,
		"push_time": None,
		"transfer_time": "00:00;14:05",
		"transfer_interval": 1,
		"is_attendance": 1,
		"area_name": device.location,
	}


def employee(number: int, code: str, *, nested: bool) -> Row:
	"""`nested`: as 9.x writes it."""
	flags = {"enable_att": True, "enable_overtime": False, "enable_holiday": True}
	person = {name: PERSONAL[name] for name in ("first_name", "last_name", "mobile")}
	return {
		"id": number,
		"emp_code": code,
		**person,
		**SECRETS,
		"department": {"id": 3, "dept_code": "OPS", "dept_name": PERSONAL["department"]},
		**({"attemployee": flags} if nested else flags),
	}


def moment(text: str) -> datetime | None:
	for date_format in (MOMENT, "%Y-%m-%d"):
		try:
			return datetime.strptime(text, date_format)
		except ValueError:
			continue
	return None


def _zone(world: World, zone_in: str) -> int:
	"""Whole hours or, always where there are none, minutes (sources-protocols §1.6)."""
	offset = world.now.replace(tzinfo=world.zone).utcoffset() or timedelta()
	minutes = int(offset.total_seconds()) // 60
	return minutes // 60 if zone_in == "hours" and minutes % 60 == 0 else minutes


def _json_or_text(text: str) -> Any:
	try:
		return json.loads(text)
	except ValueError:
		return text
