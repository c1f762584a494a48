frappe.listview_settings["Biometric Device"] = {
	add_fields: ["enabled", "needs_review", "clock_ahead"],
	hide_name_column: true,
	formatters: { last_punch: (value) => biometric_integration.short_time(value) },
	onload: (list) => biometric_integration.show_columns(list, 6),
	get_indicator(doc) {
		if (!doc.enabled) return [__("Disabled"), "gray", "enabled,=,0"];
		if (doc.clock_ahead > 0) return [__("Clock Ahead"), "orange", "clock_ahead,>,0"];
		if (doc.needs_review) return [__("Needs Review"), "orange", "needs_review,=,1"];
		return [__("Active"), "green", "enabled,=,1|needs_review,=,0"];
	},
};
