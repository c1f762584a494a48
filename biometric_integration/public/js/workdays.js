import { short_time } from "./list_columns.js";

// "Present, 8.75 h": what is, or would be, written for a day; plain text.
export function attendance_words(status, hours) {
	if (!status) return "";
	return flt(hours) ? __("{0}, {1} h", [__(status), format_number(flt(hours), null, 2)]) : __(status);
}

// A time of a workday: without its date where that is the day itself.
export function time_of_day(value, date) {
	if (!value) return "";
	const own = frappe.datetime.convert_to_user_tz(value);
	if (!own.startsWith(date)) return short_time(value);
	const full = frappe.utils.escape_html(frappe.datetime.str_to_user(own));
	return `<span title="${full}">${frappe.utils.escape_html(own.slice(11, 16))}</span>`;
}
