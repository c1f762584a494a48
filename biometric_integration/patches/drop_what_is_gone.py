"""Columns, indexes and a chart of former versions, which nothing asks for any more."""

import frappe

GONE = {
	"Biometric Device": ("DROP COLUMN IF EXISTS `push_stamp`",),
	"Biometric Staging Event": (
		"DROP COLUMN IF EXISTS `channel`",
		"DROP COLUMN IF EXISTS `day_ends`",
		"DROP INDEX IF EXISTS `device_reason_code_index`",
		"DROP INDEX IF EXISTS `device_status_index`",
		"DROP INDEX IF EXISTS `device_user_id_status_index`",
		"DROP INDEX IF EXISTS `status_reason_code_server_device_user_id_index`",
		"DROP INDEX IF EXISTS `sync_log_status_index`",
	),
	"Biometric Sync Log": ("DROP COLUMN IF EXISTS `period_until`", "DROP COLUMN IF EXISTS `run`"),
}


def execute() -> None:
	for doctype, changes in GONE.items():
		frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` {', '.join(changes)}")
	frappe.delete_doc("Dashboard Chart", "Punches Read per Day", force=True, delete_permanently=True)
