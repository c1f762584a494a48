// The app as people meet it, from empty settings to a repaired punch. See `.ci/browser-tests`, which starts what this needs.
//   node run.mjs [--screenshots]
// Environment: BASE_URL, PYTHON (that can import biometric_integration), CHROMIUM, ADMIN_PASSWORD.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { Desk, SIZE } from "./desk.mjs";
import {
	a_biotime_of_a_branch,
	a_device_is_asked,
	a_device_that_knocks_is_listed,
	a_file_says_what_it_holds,
	add_server,
	connects,
	it_is_claimed,
	it_is_imported_and_undone,
	its_answers_are_sentences,
	the_push_tab_says_what_to_enter,
	the_web_hook_has_an_address,
	what_it_pushes_becomes_check_ins,
} from "./ways.mjs";
import {
	a_day_is_settled_and_taken_back,
	a_decision_says_what_it_does,
	a_number_opens_what_it_counts,
	a_workday_says_why,
	days_are_settled_in_bulk,
	the_list_begins_with_what_waits,
	the_report_says_it_of_all,
	workdays_are_judged,
} from "./workdays.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, "../../..");
const IMAGES = process.argv.includes("--screenshots") ? path.join(ROOT, "docs/images") : "";
// More days make a better picture, and take longer.
const DAYS = 28;
const TROUBLE = path.join(process.env.TMPDIR || "/tmp", "biometric-browser-test.png");
const BASE = process.env.BASE_URL || "http://dev.localhost:8000";
const PYTHON = process.env.PYTHON || "python3";
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const ADMINISTRATOR = ["Administrator", process.env.ADMIN_PASSWORD || "admin"];
const SYSTEM_MANAGER = ["anita.rao@acme.example", "Browser-Test-1"];
const HR_MANAGER = ["priya.sharma@acme.example", "Browser-Test-1"];
const HR_USER = ["rahul.verma@acme.example", "Browser-Test-1"];

const SETTINGS = "Biometric Sync Settings";
const DEVICE = "Biometric Device";
const EVENT = "Biometric Staging Event";
const LOG = "Biometric Sync Log";
const UNMAPPED = "1050";
const HOSTILE = '<img src=x onerror="window.hacked=1">';
const DEPOT = [
	["Warehouse", "SIMW000000001"],
	["Loading Dock", "SIMW000000002"],
];
const STEPS = ["Name", "TCP", "HTTP", "Login", "Operation", "Parse"];

// The fake servers, in a process of their own; `ask` adds a punch or tells how many there are.
class Servers {
	static async start() {
		const more = IMAGES ? ["--days", String(DAYS), "--ports", "8085", "8086", "8087"] : [];
		const child = spawn(PYTHON, ["-m", "biometric_integration.tests.browser.servers", ...more], {
			cwd: ROOT,
			stdio: ["pipe", "pipe", "inherit"],
		});
		const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
		const servers = new Servers();
		Object.assign(servers, { child, lines });
		Object.assign(servers, await servers.answer());
		return servers;
	}

	async answer() {
		const { value, done } = await this.lines.next();
		if (done) throw new Error("the fake servers ended");
		return JSON.parse(value);
	}

	ask(order) {
		this.child.stdin.write(JSON.stringify(order) + "\n");
		return this.answer();
	}

	stop() {
		this.child.stdin.end();
	}
}

const picture = (name) => IMAGES && path.join(IMAGES, `${name}.png`);

// --- steps, in the order in which a person takes them

async function settings_of_the_main_server(desk, servers) {
	await desk.go("Form", SETTINGS);
	await desk.choose("server_type", "eBioServer");
	await desk.fill("endpoint_url", servers.main);
	await desk.fill("api_user", servers.user);
	await desk.fill("api_password", "not the password");
	await desk.tab("Schedule");
	await desk.fill("start_date", await desk.written_date(-DAYS - 2));
	await desk.tab("Connection");
	await desk.save();
	assert.match(await desk.headline(), /Sync is off/);
}

async function a_wrong_password_is_a_red_step_with_its_fix(desk) {
	await desk.press("Test Connection");
	await desk.dialog_says("Test Connection", "The connection does not work yet.");
	const steps = await steps_shown(desk);
	assert.deepEqual(
		steps.map(({ passed }) => passed),
		["Passed:", "Passed:", "Passed:", "Failed:", "Not tried:", "Not tried:"]
	);
	assert.match(steps[3].text, /Check API User and API Password/);
	await desk.dialog_close("Test Connection");
}

async function the_right_one_passes(desk, servers) {
	await desk.fill("api_password", servers.password);
	await desk.tick("enabled");
	await desk.save();
	await desk.hide_sidebar();
	await desk.press("Test Connection");
	await desk.dialog_says("Test Connection", "The connection works.");
	const steps = await steps_shown(desk);
	assert.deepEqual(
		steps.map(({ name }) => name),
		STEPS
	);
	assert.ok(steps.every(({ passed }) => passed === "Passed:"));
	await desk.picture(picture("connection-test"));
	await desk.dialog_close("Test Connection");
}

async function another_type_is_told_and_switched(desk, servers) {
	await desk.choose("server_type", "eTimeTrackLite");
	await desk.fill("endpoint_url", `${servers.main}/webservice.asmx?op=GetDeviceList`);
	await desk.page.locator(".page-head:visible .primary-action:visible").click();
	await desk.dialog_press("Another Server Type", "Switch to eBioServer");
	await desk.becomes("server_type", "eBioServer");
	assert.equal(await desk.doc("endpoint_url"), `${servers.main}/webservice.asmx`);
	await desk.choose("server_type", "eTimeTrackLite");
	await desk.fill("endpoint_url", servers.main);
	await desk.save();
	await desk.press("Test Connection");
	await desk.dialog_says("Test Connection", /eBioServer answers at this address/);
	await desk.dialog_press("Test Connection", "Switch to eBioServer");
	await desk.becomes("server_type", "eBioServer");
}

async function steps_shown(desk) {
	return desk
		.dialog("Test Connection")
		.locator("li")
		.evaluateAll((items) =>
			items.map((item) => ({
				passed: item.querySelector(".sr-only").textContent,
				name: item.querySelector(":scope > div > b").textContent,
				text: item.textContent,
			}))
		);
}

async function a_second_server_of_the_other_type(desk, servers) {
	const { user, password } = servers;
	await add_server(desk, {
		server_id: "depot",
		label: "Depot",
		server_type: "eTimeTrackLite",
		url: servers.warehouse,
		user,
		password,
	});
	for (const [name, serial] of DEPOT) await add_device(desk, name, serial);
	await desk.go("Form", SETTINGS);
	await connects(desk, "depot");
	await desk.dialog_close("Test Connection");
}

async function add_device(desk, name, serial) {
	await desk.go("List", DEVICE);
	await desk.page.locator(".page-head:visible .primary-action:visible").click();
	await desk.page.waitForFunction((doctype) => cur_frm?.doctype === doctype && cur_frm.is_new(), DEVICE);
	await desk.settled();
	await desk.fill("device_name", name);
	await desk.fill("serial_number", serial);
	await desk.fill("server", "depot");
	await desk.fill("location", "DEPOT");
	await desk.save();
}

async function sync_now_to_the_end(desk, servers) {
	const { punches: at_main } = await servers.ask({ world: "main" });
	const { punches: at_depot } = await servers.ask({ world: "warehouse" });
	await desk.go("Form", SETTINGS);
	await sync(desk, "");
	const words = await finished(desk);
	assert.ok(words.startsWith("Finished. "), words);
	const [, read, made] = words.match(/(\d+) new punches, (\d+) check-ins made/).map(Number);
	assert.equal(read, at_main + at_depot);
	assert.equal(await desk.count(EVENT, { kind: "Punch" }), read);
	assert.equal(await desk.count("Employee Checkin"), made);
	assert.equal(await desk.count(EVENT, { status: "Processed" }), made);
	assert.equal(await desk.count(EVENT, { status: "Unmapped" }), read - made);
	await desk.picture(picture("sync-now"));
	await desk.dialog_close("Sync");
	await desk.page.reload();
	await desk.go("Form", SETTINGS);
	await desk.tab("Connection");
	await desk.page.locator(".form-dashboard-section:visible", { hasText: "Main Server" }).waitFor();
	await desk.hide_sidebar();
	await desk.picture(picture("settings"));
}

async function sync(desk, server) {
	await desk.press("Sync Now");
	await desk.dialog("Sync Now").locator("select:visible").selectOption(server);
	await desk.dialog_press("Sync Now", "Sync Now");
}

// What the dialog says once all is read and used.
async function finished(desk) {
	const headline = desk.dialog("Sync").locator('[role="status"]');
	await headline.filter({ hasText: /Finished|Ended/ }).waitFor({ timeout: 180_000 });
	return headline.innerText();
}

async function a_second_sync_brings_nothing_new(desk) {
	const before = await desk.count("Employee Checkin");
	await desk.go("Form", SETTINGS);
	await sync(desk, "");
	assert.match(await finished(desk), /^Finished\. 0 new punches, 0 check-ins made\./);
	await desk.dialog_close("Sync");
	assert.equal(await desk.count("Employee Checkin"), before);
}

async function the_log_says_what_came(desk) {
	await desk.go("List", LOG, { status: "Success" });
	const rows = await desk.page.locator(".list-row:visible").allInnerTexts();
	assert.ok(rows.length >= 4, rows.join("\n"));
	const [log] = await desk.names(LOG, { status: "Success", new: [">", 100], created: [">", 100] }, 1);
	await desk.go("Form", LOG, log);
	const headline = await desk.headline();
	assert.match(headline, /Read \d+ rows: \d+ new/);
	assert.match(headline, /Of the new: \d+ check-ins/);
	assert.ok(!(await desk.buttons()).includes("Save"), "a log is not for writing");
	await desk.hide_sidebar();
	await desk.picture(picture("sync-log"));
}

async function a_run_is_read_once_more(desk) {
	await desk.press("Retry");
	assert.match(await finished(desk), /0 new punches/);
	await desk.dialog_close("Sync");
	await desk.page.locator(".form-message:visible", { hasText: "Retried: Success" }).waitFor();
}

async function check_ins_are_there(desk) {
	await desk.sort("Employee Checkin", "time");
	await desk.go("List", "Employee Checkin");
	const rows = await desk.page.locator(".list-row:visible").allInnerTexts();
	assert.ok(rows.length >= 20);
	await desk.hide_sidebar();
	await desk.picture(picture("check-ins"));
	const [checkin] = await desk.names("Employee Checkin", { biometric_event: ["is", "set"] }, 1);
	await desk.go("Form", "Employee Checkin", checkin);
	await desk.page.locator(".page-head:visible button:visible", { hasText: "View" }).first().waitFor();
}

async function an_unmapped_punch_says_why(desk) {
	await desk.go("List", EVENT, { status: "Unmapped", device_user_id: UNMAPPED });
	const waiting = await desk.count(EVENT, { status: "Unmapped", device_user_id: UNMAPPED });
	assert.ok(waiting > 5);
	const [event] = await desk.names(EVENT, { status: "Unmapped", device_user_id: UNMAPPED }, 1);
	await desk.go("Form", EVENT, event);
	assert.match(await desk.headline(), /No employee has the id 1050/);
	await desk.hide_sidebar();
	await desk.picture(picture("unmapped"));
	return event;
}

async function the_list_finds_whole_ids(desk) {
	const field = desk.page.locator('.page-form:visible [data-fieldname="device_user_id"] input');
	const shows = (text, is_there) =>
		desk.page.waitForFunction(
			([text, is_there]) => {
				const asked = cur_list.filter_area.get().find(([, name]) => name === "device_user_id");
				return asked?.[2] === "=" && asked[3] === text && cur_list.data.length > 0 === is_there;
			},
			[text, is_there]
		);
	await desk.go("List", EVENT, { device_user_id: UNMAPPED });
	await shows(UNMAPPED, true);
	await field.fill(UNMAPPED.slice(1));
	await shows(UNMAPPED.slice(1), false);
	await field.fill(UNMAPPED);
	await shows(UNMAPPED, true);
}

async function the_id_in_the_employee_uses_it(desk, event) {
	const [employee] = await desk.names(
		"Employee",
		{ status: "Active", attendance_device_id: ["is", "not set"] },
		1
	);
	await desk.go("Form", "Employee", employee);
	const tab = await desk.page.evaluate(() => {
		const field = cur_frm.fields_dict.attendance_device_id;
		return field.tab?.df.label || "";
	});
	if (tab) await desk.tab(tab);
	await desk.fill("attendance_device_id", UNMAPPED);
	await desk.save();
	await desk.go("Form", EVENT, event);
	await desk.becomes("status", "Processed");
	assert.equal(await desk.doc("employee"), employee);
	const waiting = { status: ["in", ["Unmapped", "Pending"]], device_user_id: UNMAPPED };
	await desk.until("all punches of the id are used", async () => (await desk.count(EVENT, waiting)) === 0);
}

async function a_punch_of_tomorrow_is_released(desk, servers) {
	await servers.ask({ world: "main", serial: "SIMD000000001", code: "1010", days: 400 });
	await desk.go("Form", SETTINGS);
	await sync(desk, "main");
	assert.match(await finished(desk), /1 new punches, 0 check-ins made/);
	await desk.dialog_close("Sync");
	const [event] = await desk.names(EVENT, { status: "Quarantined" }, 1);
	await desk.go("Form", EVENT, event);
	await desk.press("Release");
	const date = await desk.written_date(-1);
	await desk.dialog_fill("Release Punch", "punch_time", `${date} 12:34:00`);
	await desk.dialog_press("Release Punch", "Release");
	await desk.dialog("Release Punch").waitFor({ state: "hidden" });
	await desk.becomes("status", "Processed");
	assert.match(await desk.doc("punch_time"), /12:34:00/);
	assert.equal(await desk.doc("released_by"), await desk.page.evaluate(() => frappe.session.user));
}

async function a_period_is_counted_and_read(desk) {
	await desk.go("Form", SETTINGS);
	await desk.press("Sync a Period");
	const title = "Sync a Period";
	await desk.dialog_fill(title, "from_date", await desk.written_date(-6));
	await desk.dialog_fill(title, "to_date", await desk.written_date(-1));
	await desk.dialog_press(title, "Only Count");
	await desk.dialog_says(title, /0 punches would be new, \d+ are known/);
	await desk.dialog_press(title, "Read Punches");
	await desk.dialog_says(title, /0 new punches/);
	await desk.dialog(title).locator("p", { hasText: "days are read" }).waitFor();
	await desk.picture(picture("sync-period"));
	await desk.dialog_close(title);
}

async function what_a_hostile_server_says_stays_text(desk, servers) {
	await servers.ask({ world: "main", serial: "SIMD000000666", device: HOSTILE, code: HOSTILE });
	await desk.go("Form", SETTINGS);
	await sync(desk, "main");
	assert.match(await finished(desk), /1 new punches/);
	await desk.dialog_close("Sync");
	const [event] = await desk.names(EVENT, { device_user_id: ["like", "%onerror%"] }, 1);
	await desk.go("Form", EVENT, event);
	await desk.press("Choose Employee");
	await desk.dialog_close("Whose is the id");
	for (const doctype of [EVENT, DEVICE]) {
		await desk.go("List", doctype);
		await desk.page.locator(".list-row:visible", { hasText: "onerror" }).first().waitFor();
		await desk.go("List", doctype, "Report");
		await desk.page.locator(".dt-row:visible", { hasText: "onerror" }).first().waitFor();
	}
	const [device] = await desk.names(DEVICE, { serial_number: "SIMD000000666" }, 1);
	await desk.go("Form", DEVICE, device);
	const [log] = await desk.names(LOG, {}, 1);
	await desk.go("Form", LOG, log);
	assert.equal(await desk.page.evaluate(() => window.hacked), undefined);
}

async function the_workspace_and_the_devices(desk) {
	await desk.go("Workspaces", "Biometric Integration");
	for (const card of ["Workdays to Settle", "Unmapped Punches", "Devices to Look At"])
		await desk.page.locator(".number-widget-box:visible", { hasText: card }).waitFor();
	await desk.page.locator(".shortcut-widget-box:visible", { hasText: "Biometric Devices" }).waitFor();
	await desk.hide_sidebar();
	await desk.drawn(".frappe-chart rect");
	await desk.picture(picture("workspace"));
	await desk.go("List", DEVICE);
	const rows = (await desk.page.locator(".list-row:visible").allInnerTexts()).join("\n");
	for (const name of ["Main Gate", "Gate 2, North", "Canteen", ...DEPOT.map(([name]) => name)]) {
		assert.ok(rows.includes(name), name);
	}
	await desk.hide_sidebar();
	await desk.picture(picture("devices"));
}

async function hr_manager_sets_up_but_sees_no_login(desk) {
	await desk.go("Form", SETTINGS);
	const buttons = await desk.buttons();
	for (const label of ["Test Connection", "Sync Now", "Sync a Period"])
		assert.ok(buttons.includes(label), label);
	assert.ok(!(await desk.has_field("api_user")), "the login is for System Managers");
	assert.ok(!(await desk.has_field("api_password")), "the login is for System Managers");
}

async function hr_user_syncs_and_reads(desk) {
	await desk.go("Workspaces", "Biometric Integration");
	await desk.page.locator(".number-widget-box:visible", { hasText: "Unmapped Punches" }).waitFor();
	await desk.go("Form", SETTINGS);
	const buttons = await desk.buttons();
	assert.ok(buttons.includes("Sync Now"));
	for (const label of ["Test Connection", "Sync a Period", "Save"])
		assert.ok(!buttons.includes(label), label);
	assert.ok(!(await desk.has_field("api_user")), "the login is for System Managers");
	await sync(desk, "main");
	assert.match(await finished(desk), /^Finished\. 0 new punches/);
	await desk.dialog_close("Sync");
	const [event] = await desk.names(EVENT, { status: "Unmapped" }, 1);
	await desk.go("Form", EVENT, event);
	const shown = await desk.buttons();
	for (const label of ["Reprocess", "Release", "Save"]) assert.ok(!shown.includes(label), label);
	assert.ok((await desk.headline()).length > 10);
}

async function reprocess_from_the_list(desk) {
	await desk.go("List", EVENT, { status: "Unmapped" });
	await desk.page.locator(".list-header-subject .list-check-all:visible").check();
	await desk.page.locator(".page-head:visible .actions-btn-group:visible > button").click();
	await desk.page
		.locator(".page-head:visible .actions-btn-group .dropdown-item:visible", { hasText: "Reprocess" })
		.click();
	await desk.dialog_press("Confirm", "Yes");
	await desk.page.locator(".desk-alert", { hasText: "looked at in a moment" }).waitFor();
}

// --- all of it

async function main() {
	const started = Date.now();
	const servers = await Servers.start();
	const desk = await Desk.open({ base: BASE, executablePath: CHROMIUM });
	let number = 0;
	const step = async (run, ...args) => {
		const begun = Date.now();
		const result = await run(desk, ...args);
		desk.no_errors();
		number += 1;
		console.log(`ok ${number} - ${run.name.replaceAll("_", " ")} (${Date.now() - begun} ms)`);
		return result;
	};
	try {
		await desk.sign_in(...ADMINISTRATOR);
		await step(settings_of_the_main_server, servers);
		await step(a_wrong_password_is_a_red_step_with_its_fix);
		await step(the_right_one_passes, servers);
		await step(another_type_is_told_and_switched, servers);
		await step(a_second_server_of_the_other_type, servers);
		await step(sync_now_to_the_end, servers);
		await step(a_second_sync_brings_nothing_new);
		await step(the_log_says_what_came);
		await step(a_run_is_read_once_more);
		await step(check_ins_are_there);
		await step(workdays_are_judged, DAYS);
		await step(the_workspace_and_the_devices);
		await desk.sign_in(...HR_MANAGER);
		await step(hr_manager_sets_up_but_sees_no_login);
		const event = await step(an_unmapped_punch_says_why);
		await step(the_list_finds_whole_ids);
		await step(the_id_in_the_employee_uses_it, event);
		await step(a_punch_of_tomorrow_is_released, servers);
		await step(a_period_is_counted_and_read);
		await step(reprocess_from_the_list);
		await step(what_a_hostile_server_says_stays_text, servers);
		await step(a_day_is_settled_and_taken_back);
		await step(days_are_settled_in_bulk);
		await step(a_decision_says_what_it_does);
		await desk.sign_in(...HR_USER);
		await step(hr_user_syncs_and_reads);
		await step(the_list_begins_with_what_waits, picture("workdays"));
		await step(a_workday_says_why, picture("workday"));
		await step(the_report_says_it_of_all, picture("workdays-report"));
		await step(a_number_opens_what_it_counts);
		await desk.sign_in(...ADMINISTRATOR);
		await step(a_biotime_of_a_branch, servers, picture("connection-test-biotime"));
		await step(the_web_hook_has_an_address);
		await step(the_push_tab_says_what_to_enter, picture("push"));
		await desk.sign_in(...HR_MANAGER);
		await step(a_device_that_knocks_is_listed, servers);
		await desk.sign_in(...SYSTEM_MANAGER);
		await step(it_is_claimed, picture("claim"));
		await desk.sign_in(...HR_MANAGER);
		await step(what_it_pushes_becomes_check_ins, servers);
		await step(a_device_is_asked, servers, picture("ask-device"));
		await step(its_answers_are_sentences, picture("device-answers"));
		await step(a_file_says_what_it_holds, picture("file-import"));
		await step(it_is_imported_and_undone);
		console.log(
			`1..${number}\nAll passed in ${Math.round((Date.now() - started) / 1000)} s at ${SIZE.width}x${
				SIZE.height
			}`
		);
	} catch (error) {
		console.error(error);
		await desk.page.screenshot({ path: TROUBLE }).then(
			() => console.error(`not ok: what the browser showed is in ${TROUBLE}`),
			() => {}
		);
		if (desk.errors.length) console.error(desk.errors.join("\n"));
		process.exitCode = 1;
	} finally {
		await desk.close();
		servers.stop();
	}
}

if (IMAGES) fs.mkdirSync(IMAGES, { recursive: true });
await main();
