import { status_color } from "./status_colors.js";
import { stream_words } from "./stream_words.js";

const COUNTS = ["fetched", "new", "known", "junk", "invalid"];

// How a Biometric Sync Period stands, as `period_state` tells it; HTML.
export function period_html(state) {
	return [left_html(state), counts_html(state), troubles_html(state)].join("");
}

const number = (value) => format_number(cint(value), null, 0);

function left_html({ days, days_left, streams, streams_left, running, purpose }) {
	if (!days) return "";
	const done = Math.floor((100 * (days - days_left)) / days);
	const words = days_left
		? __("{0} of {1} days are left, of {2} of {3} devices or locations.", [
				number(days_left),
				number(days),
				streams_left,
				streams,
			])
		: purpose === "Only Count"
			? __("All {0} days are counted.", [number(days)])
			: __("All {0} days are read.", [number(days)]);
	const moving = running ? "progress-bar-striped progress-bar-animated" : "";
	return `<div class="progress mb-1" style="height: 8px" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${done}">
			<div class="progress-bar ${moving}" style="width: ${done}%"></div></div>
		<p class="text-muted mb-2">${words}</p>`;
}

function counts_html({ counts }) {
	if (!counts?.fetched) return "";
	const titles = {
		fetched: __("Rows Read"),
		new: __("New"),
		known: __("Known Already"),
		junk: __("Not a Punch"),
		invalid: __("Unreadable"),
	};
	const head = COUNTS.map((name) => `<th scope="col" class="text-right">${titles[name]}</th>`).join("");
	const row = COUNTS.map((name) => `<td class="text-right">${number(counts[name])}</td>`).join("");
	return `<div class="table-responsive"><table class="table table-bordered table-sm mb-2">
		<thead><tr>${head}</tr></thead><tbody><tr>${row}</tr></tbody></table></div>`;
}

function troubles_html({ troubles = [], troubled }) {
	if (!troubles.length) return "";
	const escape = frappe.utils.escape_html;
	const items = troubles.map(
		({ stream, status, error }) => `<li class="mb-2">
			<span class="indicator-pill ${status_color("Biometric Sync Log", status)}">${escape(__(status))}</span>
			${escape(stream_words(stream))}<div class="text-muted">${escape(error)}</div></li>`
	);
	const more = troubled - troubles.length;
	const rest = more > 0 ? `<p class="text-muted">${__("And {0} more.", [more])}</p>` : "";
	return `<ul class="list-unstyled mb-0">${items.join("")}</ul>${rest}`;
}

// What to do about a period: {label, run} of its one button, or null.
export function period_action({ name, status, left_alone }) {
	const actions = {
		Reading: [__("Stop"), "stop_period"],
		Stopped: [__("Resume"), "resume_period"],
		Incomplete: [__("Resume"), "resume_period"],
	};
	if (!actions[status]) return null;
	const [label, method] = actions[status];
	const act = () =>
		frappe
			.xcall(`biometric_integration.api.${method}`, { name })
			.then(({ message }) => frappe.show_alert({ message, indicator: "blue" }));
	return { label, run: () => (left_alone ? confirmed(left_alone).then(act) : act()) };
}

// Before a first read is stopped that has not come to these days everywhere.
function confirmed(left_alone) {
	const question = __("{0} devices or locations would not be read by schedule until Resume. Stop?", [
		number(left_alone),
	]);
	return new Promise((resolve) => frappe.confirm(question, resolve));
}
