"""Nothing that leaves a connector holds a password: not a message, a detail, an excerpt or a traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from html.entities import codepoint2name
from urllib.parse import quote

MASK = "***"
EXCERPT_LENGTH = 500
"""Characters of a foreign text that are kept."""

PASSWORD_ELEMENT = re.compile(
	r"((?:<|&lt;)(?:\w+:)?(?:User)?Password\b[^<>]{0,200}?(?:>|&gt;)).*?(?=(?:</|&lt;/)(?:\w+:)?(?:User)?Password|$)",
	re.IGNORECASE | re.DOTALL,
)
"""Up to its end or that of the text, as its content may hold anything that looks like a tag."""


class Secret(str):
	"""Text that does not show where variables are printed, as in a traceback with local variables."""

	__slots__ = ()

	def __repr__(self) -> str:
		return repr(MASK)


class SecretBytes(bytes):
	"""The same for bytes: a request that holds a password, an answer that may echo it."""

	__slots__ = ()

	def __repr__(self) -> str:
		return f"<{len(self)} bytes>"


def redact(text: str, secrets: Iterable[str]) -> str:
	"""`text` without the secrets, however they are escaped, and without the content of any password element."""
	for secret in filter(None, secrets):
		text = _pattern(str(secret)).sub(MASK, text)
	# afterwards: an element that were cut first would leave a rest that is no secret as a whole
	return PASSWORD_ELEMENT.sub(rf"\g<1>{MASK}", text)


def excerpt(text: str, secrets: Iterable[str]) -> str:
	"""The beginning of a foreign text; redacted before it is cut, so that no half of a secret stays."""
	return redact(text, secrets).strip()[:EXCERPT_LENGTH]


@lru_cache(maxsize=32)
def _pattern(secret: str) -> re.Pattern[str]:
	return re.compile("".join(map(_any_form, secret)), re.IGNORECASE)


def _any_form(character: str) -> str:
	"""A character as it is, with a backslash, as an XML reference (also escaped twice), URL-quoted, as in JSON or bytes."""
	code = ord(character)
	names = [f"#0*{code}", f"#x0*{code:x}", *filter(None, [codepoint2name.get(code)])]
	if character == "'":
		names.append("apos")
	forms = [
		rf"&(?:amp;)*(?:{'|'.join(names)});",
		rf"\\[ux]0*{code:x}",
		re.escape(_url_quoted(character)),
		re.escape(json.dumps(character)[1:-1]),
		"".join(rf"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")),
		*([r"\+"] if character == " " else []),
		# last: `&` alone must not be taken from `&amp;`, nor `%` from `%25`
		rf"\\?{re.escape(character)}",
	]
	return f"(?:{'|'.join(forms)})"


def _url_quoted(character: str) -> str:
	"""`%26` also for characters that need no quoting."""
	quoted = quote(character, safe="", errors="surrogatepass")
	return f"%{ord(character):02X}" if quoted == character else quoted
