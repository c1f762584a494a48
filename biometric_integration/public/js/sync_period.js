import { look } from "./api.js";
import { poll } from "./poll.js";
import { status_color } from "./status_colors.js";
import { stream_words } from "./stream_words.js";

// Read a stretch of days once more, or only count what would be new. `target`: {device} or {servers: [{value, label}]}.
export const sync_period = (target) => new SyncPeriod(target);

class SyncPeriod {
	constructor(target) {
		this.wait_for_worker = 20000;
		this.logs_shown = 10;
		this.memory = "biometric_integration:period";
		this.target = target;
		this.make_dialog();
		this.resume();
	}

	make_dialog() {
		this.dialog = new frappe.ui.Dialog({
			title: __("Sync a Period"),
			size: "large",
			fields: this.fields(),
			primary_action_label: __("Read Punches"),
			primary_action: (values) => this.start(values, false),
			secondary_action_label: __("Only Count"),
			secondary_action: () => this.count(),
		});
		this.dialog.onhide = () => this.close();
		const $body = this.dialog.get_field("progress").$wrapper;
		this.$headline = $('<p role="status" aria-live="polite" class="mb-2">').appendTo($body);
		this.$counts = $("<div>").appendTo($body);
		this.$logs = $("<div>").appendTo($body);
		this.dialog.show();
	}

	fields() {
		const servers = this.target.servers || [];
		return [
			{ fieldtype: "HTML", fieldname: "about", options: `<p class="text-muted">${this.about()}</p>` },
			{
				fieldtype: "Select",
				fieldname: "server",
				label: __("Server"),
				options: servers,
				default: servers.length ? servers[0].value : "",
				hidden: servers.length < 2,
			},
			{ fieldtype: "Section Break" },
			{ fieldtype: "Date", fieldname: "from_date", label: __("From Date"), reqd: 1 },
			{ fieldtype: "Column Break" },
			{ fieldtype: "Date", fieldname: "to_date", label: __("To Date"), reqd: 1 },
			{ fieldtype: "Section Break" },
			{ fieldtype: "HTML", fieldname: "progress" },
		];
	}

	about() {
		const what = __(
			"Reads these days from the attendance server once more, the last one included, to pick up punches that are missing. Punches that are here already stay as they are. <b>Only Count</b> changes nothing: it tells how many would be new."
		);
		if (!this.target.device) return what;
		return `${what} ${__(
			"A server that is not read device by device, such as eBioServer, is read as a whole."
		)}`;
	}

	// A period that was still being read when the dialog was closed, or the page left.
	resume() {
		const key = localStorage.getItem(this.memory);
		if (!key) return;
		look("period_state", { key })
			.then((state) => {
				if (state.running && !this.key) this.follow(key, __("A period is being read already."));
			})
			.catch(() => {});
	}

	count() {
		const values = this.dialog.get_values();
		if (values) this.start(values, true);
	}

	start({ from_date, to_date, server }, dry_run) {
		if (this.running) return;
		const args = { from_date, to_date, dry_run: dry_run ? 1 : 0 };
		if (this.target.device) args.device = this.target.device;
		else args.server = server;
		this.set_running(true);
		this.show({ message: __("Waiting for a background worker…"), counts: {}, logs: [] });
		frappe
			.xcall("biometric_integration.api.sync_period", args)
			.then(({ key }) => this.follow(key))
			.catch(() => {
				this.set_running(false);
				this.say("");
			});
	}

	follow(key, headline) {
		localStorage.setItem(this.memory, key);
		if (this.closed) return;
		this.key = key;
		this.began = Date.now();
		this.moved = false;
		this.set_running(true);
		if (headline) this.say(headline);
		this.poller?.stop();
		this.poller = poll({
			ask: () => look("period_state", { key }),
			take: (state) => this.take(state),
			dialog: this.dialog,
		});
	}

	set_running(running) {
		this.running = running;
		for (const fieldname of ["server", "from_date", "to_date"]) {
			this.dialog.set_df_property(fieldname, "read_only", running ? 1 : 0);
		}
		this.dialog.get_primary_btn().prop("disabled", running);
		if (running) {
			this.dialog.set_secondary_action_label(__("Stop"));
			this.dialog.set_secondary_action(() => this.cancel());
		} else {
			this.dialog.set_secondary_action_label(__("Only Count"));
			this.dialog.set_secondary_action(() => this.count());
		}
		this.dialog.get_secondary_btn().prop("disabled", false);
	}

	cancel() {
		if (!this.key) return;
		this.dialog.get_secondary_btn().prop("disabled", true);
		frappe
			.xcall("biometric_integration.api.cancel_period", { key: this.key })
			.then(({ message }) => this.running && this.say(message))
			.catch(() => this.dialog.get_secondary_btn().prop("disabled", false));
	}

	// Whether it is over.
	take(state) {
		if (!state.running) {
			this.finish(state);
			return true;
		}
		this.first_message = this.first_message || state.message;
		this.moved = this.moved || state.message !== this.first_message;
		this.show(state);
		if (!this.moved && Date.now() - this.began > this.wait_for_worker) {
			this.say(
				__(
					"Nothing has begun yet. The period is read as soon as a background worker is free; this dialog can be closed. If it does not begin, an administrator finds out why in RQ Job and Error Log."
				)
			);
		}
		return false;
	}

	finish(state) {
		localStorage.removeItem(this.memory);
		this.key = this.first_message = null;
		this.set_running(false);
		this.show({ ...state, message: state.message || __("Nothing is known of this period any more.") });
		this.show_logs(state.logs || []);
	}

	close() {
		this.closed = true;
		if (this.running) {
			frappe.show_alert({
				message: __(
					"The period is read on in the background. Open Sync a Period again to follow it."
				),
				indicator: "blue",
			});
		}
	}

	say(text) {
		if (this.$headline.text() !== text) this.$headline.text(text);
	}

	show({ message, counts }) {
		this.$headline.toggleClass("text-muted", this.running);
		this.say(message);
		this.$counts.html(counts && counts.fetched ? this.counts_html(counts) : "");
		if (this.running) this.$logs.empty();
	}

	counts_html(counts) {
		const titles = {
			fetched: __("Rows Read"),
			new: __("New"),
			known: __("Known Already"),
			junk: __("Not a Punch"),
			invalid: __("Unreadable"),
		};
		const shown = Object.keys(titles).filter((name) => name in counts);
		const head = shown.map((name) => `<th scope="col" class="text-right">${titles[name]}</th>`).join("");
		const row = shown.map((name) => `<td class="text-right">${cint(counts[name])}</td>`).join("");
		return `<div class="table-responsive"><table class="table table-bordered table-sm mb-2">
			<thead><tr>${head}</tr></thead><tbody><tr>${row}</tr></tbody></table></div>`;
	}

	show_logs(names) {
		const shown = names.filter(Boolean).slice(0, this.logs_shown);
		if (!shown.length) return;
		frappe.db
			.get_list("Biometric Sync Log", {
				filters: { name: ["in", shown] },
				fields: ["name", "stream", "status", "error"],
				order_by: "stream asc",
				limit: shown.length,
			})
			.then((logs) => {
				if (this.running) return;
				const more = names.length - shown.length;
				const rest =
					more > 0 ? `<p class="text-muted">${__("And {0} more, see Sync Logs.", [more])}</p>` : "";
				this.$logs.html(
					`<ul class="list-unstyled mb-0">${logs
						.map((log) => this.log_html(log))
						.join("")}</ul>${rest}`
				);
			});
	}

	log_html({ name, stream, status, error }) {
		const escape = frappe.utils.escape_html;
		const color = status_color("Biometric Sync Log", status);
		return `<li class="mb-2">
			<span class="indicator-pill ${color}">${escape(__(status))}</span>
			${frappe.utils.get_form_link("Biometric Sync Log", name, true, escape(stream_words(stream) || name))}
			${error ? `<div class="text-muted">${escape(error)}</div>` : ""}
		</li>`;
	}
}
