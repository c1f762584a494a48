frappe.listview_settings["Biometric Sync Log"] = {
	add_fields: ["status"],
	hide_name_column: true,
	formatters: {
		// Frappe asks for the title once per column, with the value of that column.
		stream: (_value, _df, doc) => biometric_integration.stream_words(doc.stream),
		started_at: (value) => biometric_integration.short_time(value),
	},
	onload: (list) => biometric_integration.show_columns(list, 6),
	get_indicator(doc) {
		const color = biometric_integration.status_color("Biometric Sync Log", doc.status);
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};
