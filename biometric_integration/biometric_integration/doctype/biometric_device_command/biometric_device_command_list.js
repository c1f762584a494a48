frappe.listview_settings["Biometric Device Command"] = {
	add_fields: ["status"],
	hide_name_column: true,
	onload: (list) => biometric_integration.show_columns(list, 5),
	get_indicator(doc) {
		const color = biometric_integration.status_color("Biometric Device Command", doc.status);
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};
