"""Exit codes, the same for all commands."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from biometric_integration.core.errors import ErrorClass, SyncError
from biometric_integration.core.runs import RunReport, RunStatus


class Exit(IntEnum):
	"""What a command ends with; `MEANINGS` says it in words. 1 and 2 are what Python and argparse end with by themselves."""

	SUCCESS = 0
	FAILED = 1
	CONFIGURATION = 2
	PARTIAL = 3
	AUTHENTICATION = 4
	BUSY = 5
	INTERRUPTED = 130


MEANINGS = {
	Exit.SUCCESS: "success",
	Exit.FAILED: "failed; the next run goes on from the same place",
	Exit.CONFIGURATION: "wrong usage or configuration; nothing helps until it is changed",
	Exit.PARTIAL: "done, but something needs a look: the output says what",
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
	return OF_CLASS.get(error_class, Exit.FAILED) if error_class else Exit.FAILED


def of_runs(reports: Iterable[RunReport], errors: Iterable[SyncError] = ()) -> Exit:
	"""The one code for several runs, and for servers that could not even be asked; without any there was nothing to do."""
	codes = [of_error(error.error_class) for error in errors]
	for report in reports:
		failed = report.status is RunStatus.FAILED
		codes.append(of_error(report.error_class) if failed else OF_STATUS[report.status])
	return min(codes, key=WORST_FIRST.index, default=Exit.SUCCESS)
