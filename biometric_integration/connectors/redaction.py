"""Nothing that leaves a connector holds a password: not a message, a detail, an excerpt or a traceback."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from html.entities import html5

MASK = "***"
EXCERPT_LENGTH = 500
"""Characters of a foreign text that are kept."""

PASSWORD_ELEMENT = re.compile(
	r"((?:<|&lt;)(?:\w+:)?(?:User)?Password\b[^<>]{0,200}?(?:>|&gt;)).*?(?=(?:</|&lt;/)(?:\w+:)?(?:User)?Password|$)",
	re.IGNORECASE | re.DOTALL,
)
"""Up to its end or that of the text, as its content may hold anything that looks like a tag."""
SECRET_NAME = r"\w{0,30}(?:password|token|access|refresh|authorization)"
SECRET_FIELD = re.compile(
	rf'("{SECRET_NAME}"\s{{0,9}}:\s{{0,9}}")(?:[^"\\]|\\.)*|(\\"{SECRET_NAME}\\"\s{{0,9}}:\s{{0,9}}\\")(?:[^"\\]|\\[^"])*',
	re.IGNORECASE | re.DOTALL,
)
"""The same in JSON, also in JSON that is a text in JSON."""


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


WEAK = re.compile(r"[A-Za-z0-9]{1,7}")
"""A password that may as well be a word, a part of a host name or somebody's number."""
ESCAPED = (
	r"\\u[0-9a-fA-F]{4}",
	r"\\x[0-9a-fA-F]{2}",
	r"\\[nrtbfva0]",
	*(f"%{'25' * times}[0-9a-fA-F]{{2}}" for times in range(9)),
)
BEFORE_A_WORD = "|".join([r"(?:(?<![\w.])", *(f"(?<={escaped})" for escaped in ESCAPED)]) + ")"
"""Nothing of a word, or the end of a character that was escaped."""
LOGIN_WORDS = re.compile(r"pass|pwd", re.IGNORECASE)


def redact(text: str, secrets: Iterable[str]) -> str:
	"""`text` without the secrets, however they are escaped, and without the content of any element or field of a password or a token."""
	# elements afterwards: one that were cut first would leave a rest that is no secret as a whole
	return _without_fields(_masked(text, secrets))


def redact_words(text: str, *secrets: str) -> str:
	"""A text in somebody's words: a weak secret goes where it stands as a word, letter by letter, so that no coincidence is masked."""
	text = _masked(text, (secret for secret in secrets if not WEAK.fullmatch(secret)))
	for secret in filter(WEAK.fullmatch, secrets):
		text = re.sub(rf"{BEFORE_A_WORD}{re.escape(secret)}(?!\w|\.\w)", MASK, text)
	return _without_fields(text)


def _masked(text: str, secrets: Iterable[str]) -> str:
	for secret in filter(None, secrets):
		text = _finder(str(secret)).masked(text)
	return text


def _without_fields(text: str) -> str:
	text = PASSWORD_ELEMENT.sub(rf"\g<1>{MASK}", text)
	return SECRET_FIELD.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)


def redact_row(text: str, secrets: Collection[str], user: str) -> str:
	"""What should be a row of data, in which a weak secret may well be somebody's number; unless the row tells of a login."""
	tells = LOGIN_WORDS.search(text) or (user and user in text)
	return redact_words(text, *(secret for secret in secrets if tells or not WEAK.fullmatch(secret)))


class Redactor:
	"""What is kept secret of one server, and texts without it. A token that is learned while the server is read belongs to it from then on.

	`user` tells a row of data from the echo of a login.
	"""

	def __init__(self, *secrets: str, user: str = ""):
		self._secrets: list[Secret] = []
		self._user = user
		for secret in secrets:
			self.learn(secret)

	def learn(self, secret: str) -> None:
		"""The longest goes first: a part of it must not leave the rest of it standing."""
		if secret and secret not in self._secrets:
			self._secrets = sorted([*self._secrets, Secret(secret)], key=len, reverse=True)

	def words(self, text: str) -> str:
		"""Somebody else's words."""
		return redact_words(text, *self._secrets)

	def row(self, text: str) -> str:
		return redact_row(text, self._secrets, self._user)

	def excerpt(self, text: str) -> str:
		"""The beginning of a foreign text; redacted before it is cut, so that no half of a secret stays."""
		return self.words(text).strip()[:EXCERPT_LENGTH]


@lru_cache(maxsize=32)
def _finder(secret: str) -> _Finder:
	return _Finder(secret)


class _Finder:
	"""Finds a secret in any of its forms, in a time that is linear in the text: all ways to read it are followed side by side.

	A way is a number of characters that have been read; those that are alive at a position are the bits of one number.
	"""

	def __init__(self, secret: str):
		self._length = len(secret)
		self._plain = re.compile(re.escape(secret), re.IGNORECASE)
		self._places: defaultdict[str, int] = defaultdict(int)
		for place, character in enumerate(secret):
			self._places[_folded(character)] |= 1 << place
		self._escapes = re.compile(r"[&%\\+]" if " " in secret else r"[&%\\]")

	def masked(self, text: str) -> str:
		if not self._escapes.search(text):
			return self._plain.sub(MASK, text)
		pieces, end = [], 0
		for start, stop in _joined(self._spans(text)):
			pieces += [text[end:start], MASK]
			end = stop
		return "".join([*pieces, text[end:]])

	def _spans(self, text: str) -> Iterator[tuple[int, int]]:
		"""The parts that belong to the whole secret in some reading, last one first."""
		whole = 1 << self._length
		alive, edges = self._forward(text)
		if not any(ways & whole for ways in alive):
			return
		leads_on = [whole] * (len(text) + 1)
		for start, end, places in reversed(edges):
			ways = (leads_on[end] >> 1) & places
			leads_on[start] |= ways
			if ways & (alive[start] | 1):
				yield start, end

	def _forward(self, text: str) -> tuple[list[int], list[tuple[int, int, int]]]:
		"""How far the secret may have been read at each position; and each step: from, to, the places of its character in the secret."""
		alive, edges = [0] * (len(text) + 1), []
		for position in range(len(text)):
			now = alive[position] | 1
			for character, end in _readings(text, position):
				if places := now & self._places.get(_folded(character), 0):
					alive[end] |= places << 1
					edges.append((position, end, places))
		return alive, edges


def _folded(character: str) -> str:
	lower = character.lower()
	return lower if len(lower) == 1 else character


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
	"""Spans that meet or overlap are one."""
	joined: list[tuple[int, int]] = []
	for start, end in sorted(spans):
		if joined and start <= joined[-1][1]:
			joined[-1] = joined[-1][0], max(joined[-1][1], end)
		else:
			joined.append((start, end))
	return iter(joined)


# --- what a character may stand for

REFERENCE = re.compile(
	r"&((?:amp;){0,8})(?:#0{0,9}(\d{1,7});|#x0{0,9}([0-9a-f]{1,6});|([a-z][a-z0-9]{1,30};))?", re.I
)
HEX_BYTES = re.compile(r"(?:%(?:25){0,8}|\\{1,16}x)([0-9a-f]{2})", re.IGNORECASE)
BACKSLASHES = re.compile(r"\\{1,32}")
UTF16 = re.compile(r"\\{1,16}u([0-9a-f]{4})", re.IGNORECASE)
CODE_POINT = re.compile(r"\\{1,16}U0*([0-9a-f]{1,6})(?![0-9a-f])", re.IGNORECASE)
CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0"}


def _readings(text: str, position: int) -> Iterator[tuple[str, int]]:
	"""Each character that the text at a position may stand for, and where that ends: as it is, with a backslash, as an XML reference, URL-quoted,
	as in JSON or in bytes; each of them also escaped again."""
	character = text[position]
	if reading := READINGS.get(character):
		yield from reading(text, position)
	yield character, position + 1


def _references(text: str, position: int) -> Iterator[tuple[str, int]]:
	found = REFERENCE.match(text, position)
	assert found  # nothing in it has to be there but the `&`
	for times in range(1, len(found[1]) // 4 + 1):
		yield "&", position + 1 + 4 * times
	if number := (found[2] and int(found[2])) or (found[3] and int(found[3], 16)):
		yield _character(number), found.end()
	elif found[4] and len(named := html5.get(found[4], html5.get(found[4].lower(), ""))) == 1:
		yield named, found.end()


def _backslashed(text: str, position: int) -> Iterator[tuple[str, int]]:
	found = BACKSLASHES.match(text, position)
	assert found  # there is one at the position
	end = found.end()
	for length in (2, 4, 8, 16):
		if position + length <= end:
			yield "\\", position + length
	if end < len(text):
		yield text[end], end + 1
		if control := CONTROLS.get(text[end]):
			yield control, end + 1
		if text[end] in "xX":
			yield from _bytes(text, position)
		elif text[end] in "uU":
			yield from _code_points(text, position)


def _code_points(text: str, position: int) -> Iterator[tuple[str, int]]:
	if found := CODE_POINT.match(text, position):
		yield _character(int(found[1], 16)), found.end()
	if first := UTF16.match(text, position):
		yield chr(int(first[1], 16)), first.end()
		if second := UTF16.match(text, first.end()):
			pair = (chr(int(first[1], 16)) + chr(int(second[1], 16))).encode("utf-16-le", "surrogatepass")
			yield from ((one, second.end()) for one in [pair.decode("utf-16-le", "replace")] if len(one) == 1)


def _bytes(text: str, position: int) -> Iterator[tuple[str, int]]:
	"""One byte as a character of Latin-1, or up to four of them as one of UTF-8."""
	found, content = HEX_BYTES.match(text, position), b""
	while found and len(content) < 4:
		content += bytes.fromhex(found[1])
		if len(content) == 1:
			yield chr(content[0]), found.end()
		elif len(one := content.decode("utf-8", "replace")) == 1:
			yield one, found.end()
		found = HEX_BYTES.match(text, found.end())


def _character(number: int) -> str:
	return chr(number) if number < 0x110000 else "\N{REPLACEMENT CHARACTER}"


READINGS = {
	"&": _references,
	"%": _bytes,
	"+": lambda text, position: iter([(" ", position + 1)]),
	"\\": _backslashed,
}
