frappe.listview_settings["Biometric Mapping Rule"] = {
	hide_name_column: true,
};
