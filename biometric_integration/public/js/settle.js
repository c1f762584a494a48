import { ask, look } from "./api.js";
import { poll } from "./poll.js";
import { attendance_words } from "./workdays.js";

// What each action does, in a sentence.
export const WHAT_IT_DOES = {
	Repair: __(
		"What Frappe HR or this app wrote wrongly is cancelled, the shifts of the check-ins are fetched again, and what is right is written. Days that are not complete stay open."
	),
	"Mark As It Is": __(
		"The day counts as it is: by its check-ins, and as absent where there is none. No device is waited for."
	),
	"Count Outside Punch": __(
		"The punches outside of the shift count as a part of it, for Frappe HR as well."
	),
	"Leave It": __("Nothing is written for the day, and what is written stays as it is."),
	"Add a Check-in": __(
		"A check-in is made, with your reason as a comment. Of many days: at the begin or end of each one's own shift."
	),
	"Trust This Device Until": __(
		"Everything that was punched at the device is taken for delivered, up to and with this date. Nobody's day waits for it any longer, and whoever has no punch counts as absent."
	),
	"Replaced By": __(
		"People punch at the other device from that day on, and it is asked in place of this one."
	),
	"Still Here": __("From this date on the person's punches count, whatever the relieving date says."),
};
const WHAT_HAPPENS = {
	written: [__("Written"), "green"],
	taken_back: [__("Cancelled"), "orange"],
	changed: [__("Decided"), "blue"],
	refused: [__("Stays"), "gray"],
};
const VALUES = ["time", "log_type", "until", "replaced_by", "replaced_on", "from_date"];

// Decide about workdays, or repair them: first what would be, then with a reason. `names`: of Biometric Workday;
// `about`: {what: chosen first, doc: the one that is shown, missing: {time, log_type}}; `done` is called when something was done.
export async function settle_workdays(names, about = {}, done) {
	const offers = await ask("decisions_offered", { workdays: names });
	if (!offers.length) {
		frappe.msgprint(__("There is nothing to decide about these days, or you may not do it."));
		return;
	}
	new Settling(names, offers, about, done);
}

class Settling {
	constructor(names, offers, { what, doc, missing }, done) {
		Object.assign(this, { names, offers, doc: doc || {}, missing: missing || {}, done });
		this.first = offers.some((offer) => offer.what === what) ? what : offers[0].what;
		this.make_dialog();
	}

	make_dialog() {
		this.dialog = new frappe.ui.Dialog({
			title: this.title(),
			size: "large",
			fields: this.fields(),
			primary_action_label: __("Do It"),
			primary_action: () => this.act(),
		});
		this.$result = $("<div>").appendTo(this.dialog.get_field("result").$wrapper);
		this.dialog.onhide = () => this.changed && this.done?.();
		this.dialog.show();
		this.dialog.fields_dict.reason.$input.css({ height: "4rem", minHeight: 0 });
		this.choose();
	}

	title() {
		const { employee_name, employee, date } = this.doc;
		if (this.names.length > 1) return __("Settle {0} Days", [this.names.length]);
		return [employee_name || employee, date && frappe.datetime.str_to_user(date)]
			.filter(Boolean)
			.join(", ");
	}

	fields() {
		const many = this.names.length > 1;
		const options = this.offers.map(({ what, days }) => ({
			value: what,
			label: many && days ? `${__(what)} (${days})` : __(what),
		}));
		const of = (...actions) => `eval:${JSON.stringify(actions)}.includes(doc.what)`;
		const field = (fieldname, fieldtype, label, actions, more = {}) => ({
			fieldname,
			fieldtype,
			label,
			depends_on: of(...actions),
			onchange: () => this.look_later(),
			...more,
		});
		return [
			{
				fieldname: "what",
				fieldtype: "Select",
				label: __("What to Do"),
				options,
				default: this.first,
				reqd: 1,
				onchange: () => this.choose(),
			},
			{ fieldname: "about", fieldtype: "HTML" },
			...(many
				? []
				: [
						field("time", "Datetime", __("Time"), ["Add a Check-in"], {
							default: this.missing.time,
						}),
					]),
			field("log_type", "Select", __("Log Type"), ["Add a Check-in"], {
				options: ["", "IN", "OUT"],
				default: this.missing.log_type,
			}),
			field("until", "Date", __("Until"), ["Trust This Device Until"], {
				default: this.doc.date,
				description: __("The last day that it is trusted for. Empty: the newest of these days."),
			}),
			field("replaced_by", "Link", __("Replaced By"), ["Replaced By"], {
				options: "Biometric Device",
				mandatory_depends_on: of("Replaced By"),
			}),
			field("replaced_on", "Date", __("Replaced On"), ["Replaced By"], {
				default: this.doc.date,
				mandatory_depends_on: of("Replaced By"),
				description: __("The first day on which people punched at the other one."),
			}),
			field("from_date", "Date", __("From"), ["Still Here"], {
				default: this.doc.date,
				description: __("Empty: the first of these days of each person."),
			}),
			{
				fieldname: "reason",
				fieldtype: "Small Text",
				label: __("Reason"),
				description: __("Kept, with your name."),
				reqd: 1,
			},
			{ fieldtype: "Section Break", label: __("What Will Be") },
			{ fieldname: "result", fieldtype: "HTML" },
		];
	}

	// Newer versions of frappe set the defaults of a dialog only after it is made, and say so then.
	choose() {
		const what = this.dialog.get_value("what");
		if (!what || what === this.shown_what) return;
		this.shown_what = what;
		const words = frappe.utils.escape_html(WHAT_IT_DOES[what] || "");
		this.dialog.get_field("about").$wrapper.html(`<p class="text-muted">${words}</p>`);
		this.dialog.get_primary_btn().text(__(what));
		this.look();
	}

	look_later() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.look(), 300);
	}

	values() {
		const values = {};
		for (const name of VALUES) {
			const field = this.dialog.fields_dict[name];
			const value = this.dialog.get_value(name);
			if (value && field.disp_status !== "None" && !field.df.hidden_due_to_dependency)
				values[name] = value;
		}
		return values;
	}

	// What would be; nothing is changed.
	async look() {
		const what = this.dialog.get_value("what");
		const values = this.values();
		if (what === "Replaced By" && !(values.replaced_by && values.replaced_on)) {
			this.asked = null;
			this.$result.html(`<p class="text-muted">${__("Choose the other device.")}</p>`);
			return;
		}
		const asked = JSON.stringify([what, values]);
		if (asked === this.asked) return;
		this.asked = asked;
		this.$result.html(`<p class="text-muted">${__("Looking…")}</p>`);
		try {
			const answer = await frappe.xcall("biometric_integration.api.decide", {
				workdays: this.names,
				what,
				values,
			});
			if (this.asked === asked) this.show(answer, false);
		} catch {
			if (asked !== this.asked) return;
			this.asked = null;
			this.$result.empty(); // frappe has said why
		}
	}

	async act() {
		const { reason, what } = this.dialog.get_values() || {};
		if (!what) return;
		const args = { workdays: this.names, what, reason, values: this.values(), dry_run: 0 };
		const answer = await ask("decide", args, __("Working…"));
		this.changed = true;
		if (answer.key) {
			follow_settling(this.dialog, this.$result, answer.key);
			return;
		}
		const { counts } = answer;
		if (!counts.refused && this.names.length === 1) {
			this.dialog.hide();
			frappe.show_alert({ message: __("Done."), indicator: "green" });
			return;
		}
		this.show(answer, true);
		this.close_only();
	}

	close_only() {
		for (const [name, { df }] of Object.entries(this.dialog.fields_dict)) {
			if (df.fieldtype !== "HTML" && name) this.dialog.set_df_property(name, "read_only", 1);
		}
		this.dialog.get_primary_btn().addClass("hide");
	}

	show(answer, is_done) {
		this.$result.html(settled_html(answer, is_done));
	}
}

// Days that are done in the background, with a way to stop.
export function follow_settling($or_dialog, $result, key) {
	const dialog = $or_dialog;
	dialog.get_primary_btn().addClass("hide");
	dialog.set_secondary_action_label(__("Stop"));
	dialog.set_secondary_action(() => frappe.xcall("biometric_integration.api.stop_deciding", { key }));
	poll({
		dialog,
		ask: () => look("decide_state", { key }),
		take({ running, message, counts, days }) {
			const words = frappe.utils.escape_html(message || "");
			$result.html(
				`<p role="status" aria-live="polite">${words}</p>${settled_html({ counts, days, more: 0 }, true)}`
			);
			if (!running) dialog.get_secondary_btn().addClass("hide");
			return !running;
		},
	});
}

// A table of days: what is written, what is right, and what happens.
export function settled_html({ days, more, counts }, is_done) {
	if (!days.length) return counts_html(counts, is_done);
	const rows = days.map((day) => {
		const [label, color] = WHAT_HAPPENS[day.does];
		const escape = frappe.utils.escape_html;
		const written = day.written.map(({ status, hours }) => attendance_words(status, hours)).join(" + ");
		const why = day.why || (day.does === "written" ? "" : day.sentence);
		return `<tr><td>${escape(day.employee_name || day.employee)}</td>
			<td>${frappe.datetime.str_to_user(day.date)}<div class="text-muted small">${escape(day.shift || "")}</div></td>
			<td>${escape(becomes(day, written))}</td>
			<td><span class="indicator ${color}">${label}</span><div class="small text-muted">${escape(why || "")}</div></td></tr>`;
	});
	const rest = more ? `<p class="text-muted">${__("And {0} more days.", [more])}</p>` : "";
	return `${counts_html(counts, is_done)}<div class="table-responsive" style="max-height: 45vh">
		<table class="table table-bordered table-sm mb-2"><thead><tr><th scope="col">${__("Employee")}</th>
		<th scope="col">${__("Day")}</th><th scope="col">${__("Attendance")}</th>
		<th scope="col">${is_done ? __("What Was Done") : __("What Happens")}</th></tr></thead>
		<tbody>${rows.join("")}</tbody></table></div>${rest}`;
}

// "Absent → Present, 9 h"; what stays is said once.
function becomes({ does, right, state }, written) {
	const before = written || __("Nothing");
	if (does === "refused") return written;
	if (right) return `${before} → ${attendance_words(right.status, right.hours)}`;
	const stays = state === "Marked" || (!written && state === "No Attendance");
	return stays ? before : `${before} → ${__(state || "Nothing")}`;
}

function counts_html(counts, is_done) {
	const words = {
		written: is_done ? __("{0} written") : __("{0} will be written"),
		taken_back: is_done
			? __("{0} cancelled and not written yet")
			: __("{0} will be cancelled and not written yet"),
		changed: is_done ? __("{0} decided") : __("{0} will be decided"),
		refused: is_done ? __("{0} stayed as they were") : __("{0} stay as they are"),
	};
	const said = Object.keys(words)
		.filter((name) => counts?.[name])
		.map((name) => words[name].replace("{0}", cint(counts[name])));
	return `<p class="mb-2">${said.join(", ") || __("No days.")}</p>`;
}
