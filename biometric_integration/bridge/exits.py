"""Exit codes, the same for all commands."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from biometric_integration.core.errors import ErrorClass
from biometric_integration.core.runs import RunReport, RunStatus


class Exit(IntEnum):
	"""What a command ends with; `MEANINGS` says it in words."""

	SUCCESS = 0
	PARTIAL = 1
	CONFIGURATION = 2
	FAILED = 3
	AUTHENTICATION = 4
	BUSY = 5
	INTERRUPTED = 130


MEANINGS = {
	Exit.SUCCESS: "success",
	Exit.PARTIAL: "done, but something needs a look: the output says what",
	Exit.CONFIGURATION: "wrong usage or configuration; nothing helps until it is changed",
	Exit.FAILED: "failed; the next run goes on from the same place",
	Exit.AUTHENTICATION: "the server refused the login",
	Exit.BUSY: "all of it is being read by another process at this moment",
	Exit.INTERRUPTED: "stopped by Ctrl-C; nothing is lost",
}
OF_CLASS = {
	ErrorClass.CONFIGURATION: Exit.CONFIGURATION,
	ErrorClass.AUTHENTICATION: Exit.AUTHENTICATION,
}
OF_STATUS = {
	RunStatus.PARTIAL: Exit.PARTIAL,
	RunStatus.SUCCESS: Exit.SUCCESS,
	RunStatus.SKIPPED: Exit.BUSY,
	RunStatus.RUNNING: Exit.BUSY,
}
WORST_FIRST = (Exit.AUTHENTICATION, Exit.CONFIGURATION, Exit.FAILED, Exit.PARTIAL, Exit.SUCCESS, Exit.BUSY)


def of_error(error_class: ErrorClass | None) -> Exit:
	return OF_CLASS.get(error_class, Exit.FAILED)


def of_runs(reports: Iterable[RunReport]) -> Exit:
	"""The one code for several runs; without any there was nothing to do."""
	codes = {
		of_error(report.error_class) if report.status is RunStatus.FAILED else OF_STATUS[report.status]
		for report in reports
	}
	return next((code for code in WORST_FIRST if code in codes), Exit.SUCCESS)
