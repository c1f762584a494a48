import { look } from "./api.js";
import { period_action, period_html } from "./period_state.js";
import { poll } from "./poll.js";

const DOCTYPE = "Biometric Sync Period";

// Read a stretch of days once more, or only count what would be new. `target`: {device} or {servers: [{value, label}]}.
export const sync_period = (target) => new SyncPeriod(target);

class SyncPeriod {
	constructor(target) {
		this.target = target;
		this.make_dialog();
		this.find_running();
	}

	make_dialog() {
		this.dialog = new frappe.ui.Dialog({
			title: __("Sync a Period"),
			size: "large",
			fields: this.fields(),
			primary_action_label: __("Read Punches"),
			primary_action: (values) => this.start(values, false),
		});
		this.dialog.onhide = () => this.close();
		const $body = this.dialog.get_field("progress").$wrapper;
		this.$headline = $('<p role="status" aria-live="polite" class="mb-2">').appendTo($body);
		this.$state = $("<div>").appendTo($body);
		this.$link = $('<p class="mb-0">').appendTo($body);
		this.offer_count();
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

	// One of the same that is read at the moment, whoever asked for it.
	async find_running() {
		const { device, servers = [] } = this.target;
		const same = device
			? { device }
			: { device: ["is", "not set"], server: ["in", servers.map(({ value }) => value)] };
		const found = await frappe.db.get_list(DOCTYPE, {
			filters: { status: "Reading", purpose: ["!=", "Start Date"], ...same },
			fields: ["name"],
			order_by: "creation desc",
			limit: 1,
		});
		if (found.length && !this.name && !this.is_starting) this.follow(found[0].name);
	}

	offer_count() {
		this.dialog.set_secondary_action_label(__("Only Count"));
		this.dialog.set_secondary_action(() => {
			const values = this.dialog.get_values();
			if (values) this.start(values, true);
		});
	}

	start({ from_date, to_date, server }, dry_run) {
		if (this.is_starting || this.running) return;
		this.is_starting = true;
		const args = { from_date, to_date, dry_run: dry_run ? 1 : 0 };
		if (this.target.device) args.device = this.target.device;
		else args.server = server;
		frappe
			.xcall("biometric_integration.api.sync_period", args)
			.then(({ name }) => this.follow(name))
			.finally(() => (this.is_starting = false));
	}

	follow(name) {
		this.name = name;
		this.$link.html(
			frappe.utils.get_form_link(DOCTYPE, name, true, __("What is left of each device, and its reason"))
		);
		this.poller?.stop();
		this.poller = poll({
			ask: () => look("period_state", { name }),
			take: (state) => this.take(state),
			dialog: this.dialog,
		});
	}

	// Whether it is over.
	take(state) {
		this.running = state.running;
		for (const fieldname of ["server", "from_date", "to_date"]) {
			this.dialog.set_df_property(fieldname, "read_only", state.running ? 1 : 0);
		}
		this.dialog.get_primary_btn().prop("disabled", state.running);
		const days = [state.from_date, state.to_date].map((day) => frappe.datetime.str_to_user(day));
		const period = __("{0} to {1}", days);
		this.say(`${period}: ${state.waits || state.headline}`);
		this.$state.html(period_html(state));
		this.offer(state);
		return !state.running;
	}

	offer(state) {
		const action = period_action(state);
		if (!action) return this.offer_count();
		this.dialog.set_secondary_action_label(action.label);
		this.dialog.set_secondary_action(() => action.run().then(() => this.follow(state.name)));
	}

	close() {
		if (!this.running) return;
		frappe.show_alert({
			message: __("The period is read on in the background. Open Sync a Period again to follow it."),
			indicator: "blue",
		});
	}

	say(text) {
		if (this.$headline.text() !== text) this.$headline.text(text);
	}
}
