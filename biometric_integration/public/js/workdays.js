// "Present, 8.75 h": what is, or would be, written for a day; plain text.
export function attendance_words(status, hours) {
	if (!status) return "";
	return flt(hours) ? __("{0}, {1} h", [__(status), format_number(flt(hours), null, 2)]) : __(status);
}

// A time of a workday, without seconds, and without its date where that is the day itself.
export function time_of_day(value, date) {
	if (!value) return "";
	const own = frappe.datetime.convert_to_user_tz(value);
	const full = frappe.datetime.str_to_user(own);
	const words = own.startsWith(date) ? own.slice(11, 16) : full.replace(/(:\d\d):\d\d$/, "$1");
	return `<span title="${frappe.utils.escape_html(full)}">${frappe.utils.escape_html(words)}</span>`;
}
