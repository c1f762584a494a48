"""Biometric Staging Event: indexes that others have taken the place of."""

import frappe

REPLACED = (
	"punch_time",
	"punch_time_index",
	"reason_code_server_device_user_id_index",
	"device_user_id_index",
)


def execute() -> None:
	dropped = ", ".join(f"DROP INDEX IF EXISTS `{name}`" for name in REPLACED)
	frappe.db.sql_ddl(f"ALTER TABLE `tabBiometric Staging Event` {dropped}")
