frappe.listview_settings["Biometric Sync Period"] = {
	add_fields: ["status"],
	hide_name_column: true,
	formatters: {
		server: (value) => (value === "main" ? __("Main Server") : value),
	},
	onload: (list) => biometric_integration.show_columns(list, 7),
	get_indicator(doc) {
		const color = biometric_integration.status_color("Biometric Sync Period", doc.status);
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};
