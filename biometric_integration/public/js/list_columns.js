// Frappe shows four columns on a laptop, the reason of a punch not among them. What a site sets in its List View Settings goes first.
export function show_columns(list, count) {
	if (list.view_name !== "List" || list.list_view_settings.total_fields || list.columns.length >= count)
		return;
	list.list_view_settings.total_fields = count;
	list.setup_columns();
	list.render_header(true);
}

// Date and time without seconds, which would not fit; they are in the tooltip.
export function short_time(value) {
	if (!value) return "";
	const full = frappe.datetime.str_to_user(frappe.datetime.convert_to_user_tz(value));
	const escape = frappe.utils.escape_html;
	return `<span class="ellipsis" title="${escape(full)}">${escape(
		full.replace(/(:\d\d):\d\d$/, "$1")
	)}</span>`;
}

// A choice without a colour: frappe would take one by guess.
export function plain(fieldname, value) {
	const shown = frappe.utils.escape_html(__(value || ""));
	const filter = frappe.utils.escape_html(`${fieldname},=,${value}`);
	return `<a class="filterable ellipsis" title="${shown}" data-filter="${filter}">${shown}</a>`;
}
