frappe.listview_settings["Biometric Sync Log"] = {
	add_fields: ["status"],
	hide_name_column: true,
	get_indicator(doc) {
		const colors = { Running: "blue", Success: "green", Partial: "orange", Failed: "red", Skipped: "gray" };
		return [__(doc.status), colors[doc.status], `status,=,${doc.status}`];
	},
};
