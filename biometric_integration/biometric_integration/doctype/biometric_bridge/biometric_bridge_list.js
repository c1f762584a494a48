// How each stands is asked of the server with each list; until it is known, nothing is green.
let states = {};

frappe.listview_settings["Biometric Bridge"] = {
	add_fields: ["enabled"],
	hide_name_column: true,
	formatters: { last_report: (value) => biometric_integration.short_time(value) },
	onload: (list) => biometric_integration.show_columns(list, 6),

	refresh(list) {
		biometric_integration.look("bridge_state").then((found) => {
			if (JSON.stringify(found) === JSON.stringify(states)) return;
			states = found;
			list.render_list();
		});
	},

	get_indicator(doc) {
		const [label, color] = biometric_integration.bridge_state(states[doc.name]?.state);
		return [label, color, `enabled,=,${doc.enabled ? 1 : 0}`];
	},
};
