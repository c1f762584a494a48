"""Which requests are taken for those of a device that pushes. To anybody else there is no such page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import frappe

from biometric_integration.receivers.adms.conversation import PATH, is_endpoint
from biometric_integration.sync.records import servers
from biometric_integration.sync.records.servers import SETTINGS

SECRET = re.compile(r"[A-Za-z0-9_-]{8,64}")

Network = IPv4Network | IPv6Network


def is_there(path: str) -> bool:
	"""Is this one of our pages? To whom the door is closed, we say ourselves that there is none: frappe would remember it, and say it to everybody."""
	found = PATH.fullmatch(path)
	return bool(found and is_endpoint(_name(found)) and frappe.get_cached_doc(SETTINGS).accept_push)


def endpoint(path: str, address: str) -> str:
	"""What a device asks for under this path; empty where the door is closed to it: another secret, or not from there."""
	found, wanted = PATH.fullmatch(path), servers.push_secret()
	is_open = (
		found
		and wanted is not None
		and compare_digest(found["secret"] or "", wanted)
		and is_from(address, networks(frappe.get_cached_doc(SETTINGS).push_networks or ""))
	)
	return _name(found) if is_open else ""


def is_guarded() -> bool:
	"""Does it take more than a serial number to be heard?"""
	settings = frappe.get_cached_doc(SETTINGS)
	return bool(settings.push_secret or settings.push_networks)


def _name(found: re.Match[str]) -> str:
	return found["endpoint"].lower()


def moved() -> None:
	"""Frappe remembers of which addresses it had no page; there may be one now. Again after the commit: until then, somebody may have asked in vain."""
	frappe.cache.delete_value("website_404")
	frappe.db.after_commit.add(lambda: frappe.cache.delete_value("website_404"))


def networks(text: str) -> list[Network]:
	"""Of the settings; raises ValueError with the first that is none."""
	return [ip_network(part, strict=False) for part in _parts(text)]


def is_from(address: str, allowed: Iterable[Network]) -> bool:
	"""Whether an address is in one of these networks; in whichever, where there are none."""
	allowed = list(allowed)
	if not allowed:
		return True
	try:
		found = ip_address(address)
	except ValueError:
		return False
	found = getattr(found, "ipv4_mapped", None) or found
	return any(found in network for network in allowed)


def caller() -> str:
	"""The address of whoever asks: the last that the header names, which the proxy before the site wrote, or else that of the connection.

	What stands before it came with the request, and may be anything; `frappe.local.request_ip` is the first.
	"""
	forwarded = frappe.get_request_header("X-Forwarded-For")
	return forwarded.rpartition(",")[2].strip() if forwarded else frappe.request.remote_addr or ""


def _parts(text: str) -> Iterator[str]:
	return filter(None, (part.strip() for part in text.replace("\n", ",").split(",")))
