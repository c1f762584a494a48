// How each device stands is asked of the server with each list; until it is known, nothing is green.
let states = {};

frappe.listview_settings["Biometric Device"] = {
	add_fields: ["enabled", "needs_review", "clock_ahead"],
	hide_name_column: true,
	formatters: { last_punch: (value) => biometric_integration.short_time(value) },
	onload: (list) => biometric_integration.show_columns(list, 6),

	refresh(list) {
		biometric_integration.look("device_state").then((found) => {
			if (JSON.stringify(found) === JSON.stringify(states)) return;
			states = found;
			list.render_list();
		});
	},

	get_indicator(doc) {
		if (!doc.enabled) return [__("Disabled"), "gray", "enabled,=,0"];
		if (doc.clock_ahead > 0) return [__("Clock Ahead"), "orange", "clock_ahead,>,0"];
		const [label, color] = biometric_integration.device_state(states[doc.name]?.state);
		return [label, color, `needs_review,=,${doc.needs_review ? 1 : 0}`];
	},
};
