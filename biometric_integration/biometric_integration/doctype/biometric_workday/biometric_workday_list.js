const SETTLED_BY_NOBODY = ["Held", "To Settle"];

frappe.listview_settings["Biometric Workday"] = {
	add_fields: ["state", "written_hours", "would_status", "would_hours"],
	hide_name_column: true,
	hide_name_filter: true,
	filters: [["state", "in", SETTLED_BY_NOBODY]],
	formatters: {
		reason: (value) => biometric_integration.plain("reason", value),
		written_status: (_value, _df, doc) => attendance(doc),
	},

	onload(list) {
		biometric_integration.show_columns(list, 6);
		list.page.add_inner_button(__("Check-ins in No Attendance"), () => show_unlinked(list));
		list.page.add_inner_button(__("Report"), () => frappe.set_route("query-report", "Workdays"));
		if (biometric_integration.may_sync()) {
			list.page.add_actions_menu_item(__("Settle"), () => settle(list), true);
			list.page.add_menu_item(__("Judge a Period Once More"), () =>
				biometric_integration.rebuild_workdays(list)
			);
		}
	},

	get_indicator(doc) {
		const color = biometric_integration.status_color("Biometric Workday", doc.state);
		return [__(doc.state), color, `state,=,${doc.state}`];
	},
};

// What is chosen: repaired, or decided about.
function settle(list) {
	const chosen = list.get_checked_items();
	const about = chosen.length === 1 ? { doc: chosen[0] } : {};
	biometric_integration.settle_workdays(
		chosen.map(({ name }) => name),
		about,
		() => {
			list.clear_checked_items();
			list.refresh();
		}
	);
}

// "Absent → Present", "→ Present" where nothing is written, and hours where only they differ.
function attendance({ written_status, written_hours, would_status, would_hours }) {
	const same = written_status === would_status;
	const differ = same && would_status && Math.abs(flt(written_hours) - flt(would_hours)) >= 0.02;
	const words = (status, hours) => biometric_integration.attendance_words(status, differ ? hours : 0);
	const written = words(written_status, written_hours);
	const right = would_status && (!same || differ) ? ` → ${words(would_status, would_hours)}` : "";
	const shown = frappe.utils.escape_html((written + right).trim());
	return `<span class="ellipsis small" title="${shown}">${shown}</span>`;
}

// Of days that are over, since the first of last month: what payroll may still miss.
async function show_unlinked(list) {
	const since = frappe.datetime.add_months(frappe.datetime.month_start(), -1);
	await list.filter_area.clear(false);
	list.filter_area.add([
		[list.doctype, "unlinked", ">", 0],
		[list.doctype, "state", "!=", "Open"],
		[list.doctype, "date", ">=", since],
	]);
}
