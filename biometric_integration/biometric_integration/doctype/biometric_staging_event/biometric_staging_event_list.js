frappe.listview_settings["Biometric Staging Event"] = {
	add_fields: ["status", "reason_code"],
	hide_name_column: true,
	get_indicator(doc) {
		const colors = {
			Pending: "blue",
			Processed: "green",
			Unmapped: "orange",
			Ignored: "gray",
			Failed: "red",
			Quarantined: "purple",
		};
		return [__(doc.status), colors[doc.status], `status,=,${doc.status}`];
	},
};
