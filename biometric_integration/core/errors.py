"""What can go wrong, by consequence: the class says what happens next, the message what a person should do."""

from __future__ import annotations

from enum import Enum


class ErrorClass(str, Enum):
	"""The consequence of a failure (design §5.6); the values are shown on the sync log."""

	CONFIGURATION = "Configuration"
	AUTHENTICATION = "Authentication"
	TRANSIENT = "Transient"
	PROTOCOL = "Protocol"
	INVALID_RECORD = "Invalid Record"
	INTERNAL = "Internal"


class SyncError(Exception):
	"""A failure with a sentence for a person.

	`message` is shown on forms and logs and names the fix. `detail` goes to the log only. Neither ever holds a
	password: what comes from outside is redacted before it gets here. `server_wide`: it says something about the server, not about one
	stream, so that the rest of its streams is not tried in this run.
	"""

	error_class = ErrorClass.INTERNAL
	server_wide = False

	def __init__(self, message: str, detail: str = ""):
		super().__init__(message)
		self.message = message
		self.detail = detail


class ConfigurationError(SyncError):
	"""A setting is wrong or missing: nothing helps until a person changes it."""

	error_class = ErrorClass.CONFIGURATION
	server_wide = True


class AuthenticationError(SyncError):
	"""The server refused the login: a person is asked once, the sync looks again every hour."""

	error_class = ErrorClass.AUTHENTICATION
	server_wide = True


class TransientError(SyncError):
	"""The server failed for now: the next run tries again from the same place."""

	error_class = ErrorClass.TRANSIENT


class SilentError(TransientError):
	"""No answer in time. It concerns what was asked: the server may well answer to other questions."""


class UnreachableError(TransientError):
	"""No connection, or no answer from the server itself: name, refusal, gateway. A dead server costs one of these."""

	server_wide = True


class AmbiguousError(TransientError):
	"""The server says the same to a wrong login as to a failure of its own (eBioServer's bare `error`): time will tell."""

	server_wide = True


class ProtocolError(SyncError):
	"""The answer was not understood: the cursor stays, an excerpt is kept."""

	error_class = ErrorClass.PROTOCOL


class InvalidRecord(SyncError):
	"""One row could not be read: it is kept as it came, and stops nothing else."""

	error_class = ErrorClass.INVALID_RECORD
