import { ask, look } from "./api.js";
import { poll } from "./poll.js";

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

// Judge the workdays of a period once more. It goes on by itself when the dialog is closed.
export function rebuild_workdays(list) {
	const dialog = new frappe.ui.Dialog({
		title: __("Judge a Period Once More"),
		fields: [
			{
				fieldtype: "HTML",
				options: `<p class="text-muted">${__(
					"Workdays follow what changes by themselves. This is for days that are to be looked at all the same; nothing of a person's is changed."
				)}</p>`,
			},
			{
				fieldname: "from_date",
				fieldtype: "Date",
				label: __("From Date"),
				reqd: 1,
				default: frappe.datetime.month_start(),
			},
			{ fieldtype: "Column Break" },
			{
				fieldname: "to_date",
				fieldtype: "Date",
				label: __("To Date"),
				reqd: 1,
				default: frappe.datetime.get_today(),
			},
			{ fieldtype: "Section Break" },
			{
				fieldname: "employee",
				fieldtype: "Link",
				options: "Employee",
				label: __("Only This Employee"),
			},
			{ fieldname: "progress", fieldtype: "HTML" },
		],
		primary_action_label: __("Judge"),
		async primary_action({ from_date, to_date, employee }) {
			await ask("rebuild_workdays", { from_date, to_date, employee });
			dialog.disable_primary_action();
			follow(dialog, list);
		},
	});
	dialog.show();
}

function follow(dialog, list) {
	const progress = dialog.get_field("progress");
	const begun = Date.now();
	poll({
		dialog,
		ask: () => look("workdays_waiting"),
		take({ people, message }) {
			const waits = people && Date.now() - begun > 120000;
			const hint = waits ? __("Is a worker running? Biometric Sync Settings says so.") : "";
			const words = [message, hint].filter(Boolean).map(frappe.utils.escape_html).join(" ");
			progress.html(`<p role="status" aria-live="polite" class="mb-0">${words}</p>`);
			if (!people) list.refresh();
			return !people;
		},
	});
}
