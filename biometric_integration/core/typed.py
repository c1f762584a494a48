"""What people type or paste into a field: without what nobody sees, and with the ASCII signs that were meant."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from unicodedata import category, decimal
from urllib.parse import urlsplit, urlunsplit

UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
"""Signs without a width. The two that join letters in Indian and Arabic names are none of them."""
JOINERS = re.compile("[\u200c\u200d]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x3002: "."}
"""Full-width signs, as keyboards of East Asia write them."""
SCHEME = re.compile(r"(https?)(?::[/\\]*|[/\\]{2,})", re.IGNORECASE)
AROUND = " \"'<>.,;"
LABEL = r"(?!-)[^\s./\\?#@:\[\]%<>\"'^`{|}]+"
HOST = re.compile(rf"(?=.{{1,253}}$){LABEL}(?:\.{LABEL})*")
NUMBERS = re.compile(r"[\d.]+")


def line(text: str | None) -> str:
	"""A name: one line, without blanks around it. Line ends and tabs within are blanks."""
	return CONTROL.sub(" ", UNSEEN.sub("", text or "")).strip()


def code(text: str | None) -> str:
	"""A number or code: a name, in which the digits of other scripts are those that machines write."""
	found = JOINERS.sub("", line(text)).translate(WIDE).strip()
	return found if found.isascii() else "".join(map(_digit, found))


def _digit(sign: str) -> str:
	return str(decimal(sign)) if category(sign) == "Nd" else sign


def web_address(text: str | None) -> str:
	"""The address of a server, as it stands in a browser or a mail: with a scheme, without what follows the path. What is none stays as it is."""
	typed = code(text).strip(AROUND)
	if not typed:
		return ""
	found = SCHEME.match(typed)
	scheme, rest = (found[1].lower(), typed[found.end() :]) if found else ("http", typed)
	if not found and "://" in typed:
		return typed
	rest = rest.replace("\\", "/")
	if _is_ipv6(rest):
		rest = f"[{rest}]"
	try:
		parts = urlsplit(f"{scheme}://{rest}")
	except ValueError:
		return f"{scheme}://{rest}"
	return urlunsplit((*parts[:2], parts.path.replace(" ", "%20"), "", ""))


def is_web_address(url: str) -> bool:
	"""An http(s) address with a host and a port that there are; a login in the address is refused, it would show up in logs."""
	try:
		parts = urlsplit(url)
		is_one = parts.scheme in ("http", "https") and "@" not in parts.netloc and parts.port != 0
		return is_one and _is_host(parts.hostname or "") and not re.search(r"\s", url)
	except ValueError:
		return False


def _is_host(host: str) -> bool:
	if ":" in host:
		return _is_ipv6(host)
	if NUMBERS.fullmatch(host):
		return _is(IPv4Address, host)
	return bool(HOST.fullmatch(host.removesuffix(".")))


def _is_ipv6(text: str) -> bool:
	return _is(IPv6Address, text)


def _is(kind: type[IPv4Address] | type[IPv6Address], text: str) -> bool:
	try:
		kind(text)
	except AddressValueError:
		return False
	return True
