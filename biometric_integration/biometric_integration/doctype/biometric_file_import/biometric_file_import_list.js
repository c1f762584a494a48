frappe.listview_settings["Biometric File Import"] = {
	add_fields: ["status"],
	hide_name_column: true,
	get_indicator(doc) {
		const color = biometric_integration.status_color("Biometric File Import", doc.status);
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};
