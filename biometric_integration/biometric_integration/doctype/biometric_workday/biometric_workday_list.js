const SETTLED_BY_NOBODY = ["Held", "To Settle"];

frappe.listview_settings["Biometric Workday"] = {
	add_fields: ["state", "written_hours", "would_hours"],
	hide_name_column: true,
	hide_name_filter: true,
	filters: [["state", "in", SETTLED_BY_NOBODY]],
	formatters: {
		reason: (value) => plain("reason", value),
		written_status: (value, _df, doc) => attendance(value, doc.written_hours),
		would_status: (value, _df, doc) => attendance(value, doc.would_hours),
	},

	onload(list) {
		biometric_integration.show_columns(list, 7);
		list.page.add_inner_button(__("Check-ins in No Attendance"), () => show_unlinked(list));
		list.page.add_inner_button(__("Report"), () => frappe.set_route("query-report", "Workdays"));
	},

	get_indicator(doc) {
		const color = biometric_integration.status_color("Biometric Workday", doc.state);
		return [__(doc.state), color, `state,=,${doc.state}`];
	},
};

// Frappe would colour it by guess.
function plain(fieldname, value) {
	const shown = frappe.utils.escape_html(__(value || ""));
	const filter = frappe.utils.escape_html(`${fieldname},=,${value}`);
	return `<a class="filterable ellipsis" title="${shown}" data-filter="${filter}">${shown}</a>`;
}

function attendance(status, hours) {
	const words = frappe.utils.escape_html(biometric_integration.attendance_words(status, hours));
	return `<span class="ellipsis" title="${words}">${words}</span>`;
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
