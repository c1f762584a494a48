import frappe


def execute() -> None:
	"""Frappe makes a sidebar and an icon for an app that ships none; being newer than the files, they would stay."""
	for doctype in ("Workspace Sidebar", "Desktop Icon"):
		if not frappe.db.exists("DocType", doctype):
			continue
		for name in frappe.get_all(doctype, {"name": "Biometric Integration", "standard": 0}, pluck="name"):
			frappe.delete_doc(doctype, name)
