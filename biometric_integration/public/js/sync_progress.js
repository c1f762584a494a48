import { look } from "./api.js";
import { poll } from "./poll.js";
import { status_color } from "./status_colors.js";
import { stream_words } from "./stream_words.js";

// Ask for a sync ({server, device}, both optional) and show what becomes of it.
export async function sync_now(args) {
	const before = await frappe.xcall("biometric_integration.api.status");
	const answer = await frappe.xcall("biometric_integration.api.sync_now", args);
	const since = await first_start(answer.running, before.now);
	return new SyncProgress(answer, { since, labels: labels_of(before) });
}

// Read the window of a run once more, and show what becomes of it.
export async function retry({ name, server }) {
	const before = await frappe.xcall("biometric_integration.api.status");
	const { message } = await frappe.xcall("biometric_integration.api.retry", { log: name });
	const answer = { queued: [server], running: [], message };
	return new SyncProgress(answer, { since: before.now, labels: labels_of(before), retried: name });
}

const labels_of = ({ servers }) =>
	Object.fromEntries(
		servers.map(({ server, label }) => [server, server === "main" ? __("Main Server") : label || server])
	);

// A run that was already going on began before anybody asked.
async function first_start(running, now) {
	const logs = running.map((run) => run.log).filter(Boolean);
	if (!logs.length) return now;
	const [first] = await frappe.db.get_list("Biometric Sync Log", {
		filters: { name: ["in", logs] },
		fields: ["started_at"],
		order_by: "started_at asc",
		limit: 1,
	});
	return first ? first.started_at : now;
}

// Of a run, or of a job that has not begun one.
const state_words = (status) =>
	({ queued: __("Waiting to Start"), started: __("Starting") })[status] || __(status);

// A dialog that follows the runs of a sync. Realtime events make it quick, asking every two seconds makes it certain.
class SyncProgress {
	// `retried`: the run that is to be read again.
	constructor(answer, { since, labels, retried = "" }) {
		this.retried = retried;
		this.labels = labels;
		this.wait_for_worker = 20000;
		this.runs = new Map();
		this.pulls = {};
		this.quiet_polls = 0;
		this.asked_at = Date.now();
		this.since = since;
		this.servers = new Set([...answer.queued, ...answer.running.map((run) => run.server)]);
		this.make_dialog(answer.message);
		if (answer.queued.length || answer.running.length) {
			this.listen();
			this.poller = poll({
				ask: () => look("sync_state", { since: this.since, retried: this.retried || undefined }),
				take: (state) => this.take(state),
				dialog: this.dialog,
			});
		} else {
			this.say(answer.message || __("There is nothing to sync."));
		}
	}

	make_dialog(message) {
		this.dialog = new frappe.ui.Dialog({
			title: __("Sync"),
			size: "large",
			fields: [{ fieldtype: "HTML", fieldname: "progress" }],
			primary_action_label: __("Close"),
			primary_action: () => this.dialog.hide(),
			secondary_action_label: __("Sync Logs"),
			secondary_action: () => {
				this.dialog.hide();
				frappe.set_route("List", "Biometric Sync Log");
			},
		});
		this.dialog.onhide = () => this.stop_listening();
		const $body = this.dialog.get_field("progress").$wrapper;
		this.$headline = $('<p role="status" aria-live="polite">').appendTo($body);
		this.$runs = $("<div>").appendTo($body);
		this.say(message || __("Waiting for a background worker…"));
		this.dialog.show();
	}

	say(text) {
		if (this.$headline.text() !== text) this.$headline.text(text);
	}

	listen() {
		this.on_event = (event) => {
			if (!this.servers.has(event.server)) return;
			this.note({ ...event.counts, ...this.from_event(event) });
			this.say(__("Reading…"));
			if (event.state === "finished") this.poller.now();
		};
		frappe.realtime.on("biometric_sync", this.on_event);
	}

	from_event(event) {
		const status = event.log ? "Running" : event.status; // what never began has no log that says how it ended
		const run = { stream: event.stream, status, message: event.message };
		if (event.log) run.name = event.log;
		return run;
	}

	// Each run is a row of its own; what never began is known by its server.
	note(run) {
		if (!run.stream) return;
		const key = run.name || run.stream;
		const known = this.runs.get(key) || {};
		if (run.status === "Running" && known.finished) return; // an event that came late
		this.runs.set(key, { ...known, ...run, finished: run.status !== "Running" });
		this.render();
	}

	// Whether it is over.
	take(state) {
		const runs = state.runs.filter((run) => this.servers.has(run.server));
		this.pulls = state.pulls;
		[...runs].reverse().forEach((run) => this.note(run));
		this.render();
		const over = this.is_over(runs, state);
		if (over) this.finish();
		else this.say(this.stage(runs, state));
		return over;
	}

	// Two looks: a job may have ended, and the next one of the same retry not begun.
	is_over(runs, { using }) {
		const goes_on =
			[...this.servers].some((server) => this.pulls[server]) ||
			runs.some((run) => run.status === "Running") ||
			(using && this.sum(runs, "pending") > 0);
		this.quiet_polls = goes_on ? 0 : this.quiet_polls + 1;
		return this.quiet_polls >= 2;
	}

	stage(runs, { using, idle }) {
		const queued = [...this.servers].filter((server) => this.pulls[server] === "queued");
		const is_read =
			runs.some((run) => run.status === "Running") ||
			[...this.servers].some((server) => this.pulls[server] === "started");
		const pending = this.sum(runs, "pending");
		if (is_read && queued.length)
			return __("Reading… Servers that wait for a background worker: {0}.", [queued.length]);
		if (using && pending) return __("Making check-ins of {0} punches…", [pending]);
		if (is_read) return __("Reading…");
		if (!queued.length) return this.$headline.text();
		if (idle)
			return `${idle} ${__("The sync begins as soon as there is one, and then shows up in Sync Logs.")}`;
		return Date.now() - this.asked_at > this.wait_for_worker
			? __(
					"Nothing has begun yet. The sync starts as soon as a background worker is free, and then shows up in Sync Logs. If it does not, an administrator finds out why in RQ Job and Error Log."
				)
			: this.$headline.text();
	}

	// Of which nothing was read so far, nor anything said.
	silent_servers() {
		const told = new Set([...this.runs.values()].map(({ stream }) => stream.split("/")[0]));
		return [...this.servers].filter((server) => !told.has(server));
	}

	sum(runs, fieldname) {
		return runs.reduce((sum, run) => sum + cint(run[fieldname]), 0);
	}

	async finish() {
		this.stop_listening();
		const status = await look("status").catch(() => ({ servers: [], unused: "" }));
		for (const server of this.silent_servers()) {
			const { message } = status.servers.find((each) => each.server === server) || {};
			const words = message || __("The job has ended without reading it. See RQ Job and Error Log.");
			this.note({ stream: server, status: "Failed", message: words });
		}
		const runs = [...this.runs.values()];
		const unread = runs.filter((run) => run.status !== "Success").length;
		const waiting = this.sum(runs, "pending");
		const words = [
			unread
				? __("Ended; {0} of {1} runs were not read in full, so punches may be missing: see below.", [
						unread,
						runs.length,
					])
				: __("Finished."),
			__("{0} new punches, {1} check-ins made.", [this.sum(runs, "new"), this.sum(runs, "created")]),
			waiting && __("{0} punches wait; their reasons are in the log.", [waiting]),
			waiting && status.unused,
		];
		this.say(words.filter(Boolean).join(" "));
	}

	stop_listening() {
		if (this.on_event) frappe.realtime.off("biometric_sync", this.on_event);
	}

	render() {
		const titles = [
			__("What Was Read"),
			__("Status"),
			__("Read"),
			__("New"),
			__("Check-ins"),
			__("Unmapped"),
			__("Log"),
		];
		const head = titles.map((title) => `<th scope="col">${title}</th>`).join("");
		const waiting = this.silent_servers()
			.filter((server) => this.pulls[server])
			.map((stream) => ({ stream, status: this.pulls[stream] }));
		const rows = [...this.runs.values(), ...waiting].map((run) => this.row(run)).join("");
		this.$runs.html(
			`<div class="table-responsive"><table class="table table-bordered table-sm">
				<thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`
		);
	}

	row(run) {
		const number = (fieldname) => `<td class="text-right">${cint(run[fieldname])}</td>`;
		const words = run.error || run.message || "";
		const log = run.name
			? frappe.utils.get_form_link("Biometric Sync Log", run.name, true, __("Open"))
			: "";
		return `<tr>
			<th scope="row">${frappe.utils.escape_html(this.labels[run.stream] || stream_words(run.stream))}</th>
			<td><span class="indicator-pill ${status_color("Biometric Sync Log", run.status)}">${state_words(run.status)}</span></td>
			${number("fetched")}${number("new")}${number("created")}${number("unmapped")}
			<td>${log}</td>
		</tr>${words ? `<tr><td colspan="7" class="text-muted">${frappe.utils.escape_html(words)}</td></tr>` : ""}`;
	}
}
