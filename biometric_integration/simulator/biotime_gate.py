"""Who gets into a BioTime: logins, tokens and the lock after bad logins (sources-protocols §1.1, §1.5)."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Literal

from .answers import Answer
from .rest_server import failed, said
from .world import World

Scheme = Literal["JWT", "Token"]
NO_LOGIN = "Unable to log in with provided credentials."
# What a dead token of each scheme is told.
DEAD = {"JWT": "Signature has expired.", "Token": "Invalid token."}
STRANGE = {"JWT": "Error decoding signature.", "Token": "Invalid token."}
CHALLENGE = {"WWW-Authenticate": 'JWT realm="api"'}


@dataclass
class _Pass:
	"""What a token is good for: until when (server wall clock), and for how many more requests (None: any)."""

	scheme: str
	until: datetime | None
	requests: int | None


class Gate:
	"""`tokens` are all that were ever given. `company`, where it is one, belongs to the login of a cloud tenant.

	`jwt_life`: how long a JWT lives by the server's clock. `token_requests`: a token is dead after so many requests for data.
	After `lock_after` bad logins in a row all logins fail for `lock_time`, good ones too, with the same words (I: which words a
	locked account hears is not known).
	"""

	def __init__(
		self,
		world: World,
		user: str,
		password: str,
		company: str,
		*,
		jwt_life: timedelta,
		token_requests: int | None,
		lock_after: int,
		lock_time: timedelta,
	) -> None:
		self.tokens: set[str] = set()
		self.bad_logins = 0
		self._world = world
		self._user = user
		self._password = password
		self._company = company
		self._jwt_life = jwt_life
		self._token_requests = token_requests
		self._lock_after = lock_after
		self._lock_time = lock_time
		self._locked_until: datetime | None = None
		self._alive: dict[str, _Pass] = {}

	# -- tokens --------------------------------------------------------------------------------------------

	def issue(self, scheme: Scheme) -> str:
		token = self._jwt() if scheme == "JWT" else token_hex(20)
		until = self._world.now + self._jwt_life if scheme == "JWT" else None
		self._alive[token] = _Pass(scheme, until, self._token_requests)
		self.tokens.add(token)
		return token

	def forget(self) -> None:
		"""All tokens are dead from now on."""
		self._alive.clear()

	def change(self, password: str) -> None:
		"""Somebody gives the user another password; tokens live on."""
		self._password = password

	def _jwt(self) -> str:
		now = int(self._world.utc_now.timestamp())
		payload = {
			"user_id": 1,
			"username": self._user,
			"exp": now + int(self._jwt_life.total_seconds()),
			"email": "",
			"orig_iat": now,
		}
		return ".".join(_base64(part) for part in ({"typ": "JWT", "alg": "HS256"}, payload, token_hex(16)))

	# -- login ---------------------------------------------------------------------------------------------

	def login(self, given: Mapping[str, str], scheme: Scheme) -> Answer:
		name = "email" if self._company and "email" in given else "username"
		needed = (*(["company"] if self._company else []), name, "password")
		if missing := [field for field in needed if not given.get(field)]:
			return said({field: ["This field is required."] for field in missing}, 400)
		if self._company and given["company"] != self._company:
			return self._refused()
		if not self._is_known(given[name], given["password"]):
			return self._refused()
		return said({"token": self.issue(scheme)})

	def refresh(self, given: Mapping[str, str]) -> Answer:
		if self._dead(old := given.get("token", ""), "JWT"):
			return said({"non_field_errors": [DEAD["JWT"] if old in self.tokens else STRANGE["JWT"]]}, 400)
		return said({"token": self.issue("JWT")})

	def _refused(self) -> Answer:
		return said({"non_field_errors": [NO_LOGIN]}, 400)

	def _is_known(self, user: str, password: str) -> bool:
		"""Counts a bad login, and locks after too many."""
		now = self._world.now
		if self._locked_until and now < self._locked_until:
			return False
		if (user, password) == (self._user, self._password):
			self.bad_logins = 0
			return True
		self.bad_logins += 1
		if self.bad_logins >= self._lock_after:
			self.bad_logins, self._locked_until = 0, now + self._lock_time
		return False

	# -- data ----------------------------------------------------------------------------------------------

	def refusal(self, authorization: str, *, takes_basic: bool) -> Answer | None:
		"""Why a request with this header gets no data; None where it gets some."""
		scheme, _, credential = authorization.partition(" ")
		if scheme == "Basic" and takes_basic:
			known = self._is_known(*_user_and_password(credential))
			return None if known else failed(401, "Invalid username/password.", CHALLENGE)
		if scheme not in DEAD:  # `Bearer` is none of the words it knows
			return failed(401, "Authentication credentials were not provided.", CHALLENGE)
		if self._dead(credential, scheme):
			return failed(401, (DEAD if credential in self.tokens else STRANGE)[scheme], CHALLENGE)
		return None

	def _dead(self, token: str, scheme: str) -> bool:
		found = self._alive.get(token)
		if found is None or found.scheme != scheme:
			return True
		if found.requests == 0 or (found.until is not None and self._world.now >= found.until):
			del self._alive[token]
			return True
		if found.requests is not None:
			found.requests -= 1
		return False


def _base64(part: Any) -> str:
	text = part if isinstance(part, str) else json.dumps(part)
	return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _user_and_password(credential: str) -> tuple[str, str]:
	try:
		user, _, password = b64decode(credential).decode().partition(":")
	except ValueError:
		return "", ""
	return user, password
