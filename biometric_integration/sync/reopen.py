"""For one release: jobs and hooks that were queued or cached under this path."""

from biometric_integration.sync.desk.changes import checkin_deleted, employee_changed

__all__ = ["checkin_deleted", "employee_changed"]
