"""The web hook of eBioServerNew: what it delivers is kept before it is answered (essl-protocol §3.6, docs/ebioserver-web-hook.md)."""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Sequence
from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

import frappe

from biometric_integration.core.devices import Device, DeviceBook, DeviceChange
from biometric_integration.core.errors import SyncError
from biometric_integration.core.punch import Record
from biometric_integration.core.runs import Channel
from biometric_integration.core.text import fitting, storable
from biometric_integration.receivers import ebioserver_hook
from biometric_integration.receivers.ebioserver_hook import Delivered
from biometric_integration.receivers.texts import Refusal
from biometric_integration.sync.db import pace
from biometric_integration.sync.receiving.receive import RowStatus, receive, tried
from biometric_integration.sync.records import devices, servers
from biometric_integration.sync.records.servers import KEY_BYTES, Hook
from biometric_integration.sync.store import PullStore

ACCEPTED = "Success"
MOST_WRONG = 60
"""Requests of one address without the right secret, in a minute, of which each is told that it is wrong."""


def answer(secret: str, body: bytes) -> tuple[int, str]:
	"""HTTP status and text. 200 only where each row is kept, by now or before; nothing of what was sent is said again."""
	hook = _hook(secret)
	if hook is None:
		return (429 if _is_too_much() else 403), ""
	refused = tried(lambda: _keep(hook.server, _opened(hook, ebioserver_hook.envelope(body))))
	return (refused.status, "") if refused else (200, ACCEPTED)


def _hook(secret: str) -> Hook | None:
	"""Whose secret this is; all are compared, each in constant time."""
	given = storable(secret).encode()
	found = [hook for hook in servers.hooks() if compare_digest(hook.secret.encode(), given)]
	return found[0] if found else None


def _is_too_much() -> bool:
	"""The one thing that a stranger changes: a counter of its address, for a minute."""
	return pace.times(f"wrong secrets of {frappe.local.request_ip or ''}") > MOST_WRONG


def _opened(hook: Hook, posted: object) -> list[Delivered]:
	"""Who has set a password gets nothing in plain text, and who has none nothing that is encrypted."""
	data = ebioserver_hook.encrypted(posted)
	if bool(hook.password) != (data is not None):
		raise Refusal(400, "Encrypted where plain text is expected, or the other way round.")
	return ebioserver_hook.read(posted if data is None else ebioserver_hook.envelope(_decrypted(hook, data)))


def _decrypted(hook: Hook, data: str) -> bytes:
	"""AES-256-CBC, 16 zero bytes as IV, PKCS7; the password as bytes, filled up with `1` (essl-protocol §3.6). Raises Refusal."""
	key = hook.password.encode().ljust(KEY_BYTES, b"1")
	try:
		decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
		unpadder = PKCS7(128).unpadder()
		plain = decryptor.update(b64decode(data, validate=True)) + decryptor.finalize()
		return unpadder.update(plain) + unpadder.finalize()
	except ValueError:
		raise Refusal(400, "The data cannot be decrypted.") from None


def _keep(server: str, rows: Sequence[Delivered]) -> None:
	"""By the device of each row. One that is not known yet is made as when the server lists it: whoever has its secret speaks for it."""
	find = _finder(server, rows)
	by_device: defaultdict[str, list] = defaultdict(list)
	for one in rows:
		device = find(_named(one))
		by_device[device.key if device else ""].append(one.row)
	for device, found in sorted(by_device.items()):
		receipt = receive(Channel.WEB_HOOK, found, device, server=server)
		if any(result.status is RowStatus.REFUSED for result in receipt.results):
			raise SyncError("A row could not be kept.")


def _finder(server: str, rows: Sequence[Delivered]) -> Callable[[Record], Device | None]:
	"""Most often each row names a serial number that is known, and the other devices need not be read."""
	known = devices.by_serial({_known_text(one.serial) for one in rows})
	if all(_known_text(one.serial) in known for one in rows):
		return lambda named: known.get(named.serial)
	book = DeviceBook(devices.known_to(server), (), server)
	if missing := _missing(book, rows):
		PullStore().change_devices(server, missing)
		book = DeviceBook(devices.known_to(server), (), server)
	return book.find


def _named(one: Delivered) -> Record:
	"""What the row says of its device, as it is known here."""
	return Record(
		"", frappe.utils.now_datetime(), None, "", _known_text(one.serial), _known_text(one.device_name), ""
	)


def _known_text(text: str) -> str:
	return fitting(storable(text))


def _missing(book: DeviceBook, rows: Sequence[Delivered]) -> list[DeviceChange]:
	"""Each once. A row that names no device is kept as of none."""
	found: dict[tuple[str, str], DeviceChange] = {}
	for one in rows:
		named = _named(one)
		if (named.serial or named.device_name) and book.find(named) is None:
			key = (named.serial, "" if named.serial else named.device_name)
			change = book.unknown((named.device_name or named.serial, ""))
			found[key] = DeviceChange(change.pair, serial=named.serial) if named.serial else change
	return list(found.values())
