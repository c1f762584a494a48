frappe.listview_settings["Biometric Sync Period"] = {
	add_fields: ["status"],
	hide_name_column: true,
	get_indicator(doc) {
		const color = biometric_integration.status_color("Biometric Sync Period", doc.status);
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};
