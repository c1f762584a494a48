frappe.listview_settings["Biometric Staging Event"] = {
	add_fields: ["status", "reason_code"],
	hide_name_column: true,
	formatters: {
		punch_time: (value) => biometric_integration.short_time(value),
		reason_code: (value) => biometric_integration.plain("reason_code", value),
	},

	onload(list) {
		biometric_integration.show_columns(list, 6);
		biometric_integration.exact_filters(list);
		if (!biometric_integration.may_set_up()) return;
		list.page.add_actions_menu_item(__("Reprocess"), () => reprocess_checked(list), false);
	},

	get_indicator(doc) {
		const { status_color } = biometric_integration;
		const color = status_color("Biometric Staging Event", doc.status);
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};

function reprocess_checked(list) {
	const checked = list.get_checked_items();
	const open = checked.filter(({ status }) => status !== "Processed").map(({ name }) => name);
	if (!open.length) {
		frappe.msgprint(__("Punches that are processed already stay as they are."));
		return;
	}
	const question =
		open.length === checked.length
			? __("Look at {0} punches once more?", [open.length])
			: __(
					"Look at {0} of {1} punches once more? The others are processed already and stay as they are.",
					[open.length, checked.length]
				);
	frappe.confirm(question, () =>
		biometric_integration.ask("reprocess", { events: open }).then(({ count }) => {
			const words = [__("{0} punches are looked at in a moment.", [count])];
			if (count < open.length)
				words.push(
					__("{0} stay: no punch, or it has to be said first since when the id is theirs.", [
						open.length - count,
					])
				);
			frappe.show_alert({ message: words.join(" "), indicator: "blue" }, 10);
			list.clear_checked_items();
			list.refresh();
		})
	);
}
