frappe.ui.form.on("Biometric Sync Period", {
	refresh(frm) {
		frm.disable_save();
		const { server, purpose, from_date, to_date } = frm.doc;
		const [first, last] = [from_date, to_date].map((day) => frappe.datetime.str_to_user(day));
		const label = server === "main" ? __("Main Server") : server;
		const title = __("{0} to {1}, {2}: {3}", [first, last, label, __(purpose)]);
		biometric_integration.form_title(frm, title);
		follow(frm);
	},
});

// What is left changes by itself: the form is asked for again whenever it has.
function follow(frm) {
	const { name } = frm.doc;
	const { look, poll } = biometric_integration;
	frm.follower?.stop();
	frm.follower = poll({
		ask: () => look("period_state", { name }),
		take: (state) => {
			if (frm.doc.name !== name || cur_frm !== frm) return true;
			show(frm, state);
			const has_moved = frm.doc.status !== state.status || frm.doc.modified !== state.modified;
			if (has_moved) frm.reload_doc();
			return has_moved || !state.running;
		},
		every: 3000,
	});
}

function show(frm, state) {
	const { intro_color, may_set_up, period_action, period_html } = biometric_integration;
	const headline = frappe.utils.escape_html(state.waits || state.headline);
	frm.set_intro("");
	frm.set_intro(
		`<div>${headline}</div>${period_html({ ...state, troubles: [] })}`,
		intro_color(frm.doctype, state.status)
	);
	const action = may_set_up() && period_action(state);
	frm.clear_custom_buttons();
	if (action) frm.add_custom_button(action.label, () => action.run().then(() => frm.reload_doc()));
}
