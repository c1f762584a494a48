frappe.listview_settings["Biometric Decision"] = {
	hide_name_column: true,
	hide_name_filter: true,
	onload: (list) => biometric_integration.show_columns(list, 6),
};
