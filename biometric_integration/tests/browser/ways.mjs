// The other ways in, as people meet them: another type of server, the web hook, devices that push, files.
import assert from "node:assert/strict";

const SETTINGS = "Biometric Sync Settings";
const DEVICE = "Biometric Device";
const UNKNOWN = "Biometric Unknown Device";
const COMMAND = "Biometric Device Command";
const IMPORT = "Biometric File Import";
const EVENT = "Biometric Staging Event";
const TERMINAL = "SIMP000000001";
const DOOR = "door-of-acme-1";
const WAREHOUSE = "SIMW000000001";

// A row of More Servers, filled in and closed again.
export async function add_server(desk, { server_id, label, server_type, url, user, password }) {
	await desk.tab("More Servers");
	await desk.page.locator(".form-layout:visible .grid-add-row:visible").click();
	await desk.page.locator(".grid-row-open:visible, .btn-open-row:visible").last().click();
	const row = desk.page.locator(".form-in-grid:visible");
	const fill = async (fieldname, value) => {
		const control = row.locator(`[data-fieldname="${fieldname}"] input:visible`).first();
		await control.fill(value);
		await control.press("Tab");
	};
	await fill("server_id", server_id);
	await fill("label", label);
	await row.locator('[data-fieldname="server_type"] select:visible').selectOption(server_type);
	await fill("endpoint_url", url);
	await fill("api_user", user);
	await fill("api_password", password);
	await row.locator(".grid-collapse-row:visible").first().click();
	await row.waitFor({ state: "hidden" });
	await desk.save();
}

// Chosen among several servers, it says of this one that it works.
export async function connects(desk, server) {
	await desk.press("Test Connection");
	await desk.dialog("Test Connection").locator("select:visible").selectOption(server);
	await desk.dialog_press("Test Connection", "Test Connection");
	await desk.dialog_says("Test Connection", "The connection works.");
}

export async function a_biotime_of_a_branch(desk, servers, file) {
	await desk.go("Form", SETTINGS);
	const { user, password } = servers;
	await add_server(desk, {
		server_id: "branch",
		label: "Branch",
		server_type: "BioTime",
		url: servers.branch,
		user,
		password,
	});
	await connects(desk, "branch");
	const words = await desk.dialog("Test Connection").locator("ol").innerText();
	assert.match(words, /Login/);
	assert.doesNotMatch(words, /✗|undefined/);
	await desk.picture(file);
	await desk.dialog_close("Test Connection");
}

export async function the_web_hook_has_an_address(desk) {
	await desk.go("Form", SETTINGS);
	await desk.tab("Connection");
	await desk.press("Web Hook Address");
	const title = "Web Hook Address";
	const address = desk.dialog(title).locator("pre");
	await address.waitFor();
	const url = new URL(await address.innerText());
	assert.equal(url.pathname, "/api/method/biometric_integration.api.ebioserver_hook");
	assert.ok(url.searchParams.get("secret").length >= 32);
	await desk.dialog_close(title);
	await desk.settled();
	assert.match(await desk.doc("hook_secret"), /^\*+$/, "nobody reads it in the form");
}

export async function the_push_tab_says_what_to_enter(desk, file) {
	await desk.go("Form", SETTINGS);
	await desk.tab("Push from Devices");
	assert.ok(!(await desk.has_field("push_address")), "nothing to enter while nobody is listened to");
	await desk.tick("accept_push");
	await desk.fill("push_secret", DOOR);
	await desk.save();
	const address = desk.page.locator('.form-layout:visible [data-fieldname="push_address"]');
	await address.getByText(`/${DOOR}`).waitFor();
	const words = await address.innerText();
	const { hostname, port } = new URL(desk.base);
	for (const line of [`Server Address: ${hostname}`, `Server Port: ${port}`, "HTTPS: off"])
		assert.ok(words.includes(line), words);
	assert.ok(words.includes(`Address with Path: ${desk.base}/${DOOR}`), words);
	assert.ok(words.includes("Without the path no device is answered."), words);
	await desk.hide_sidebar();
	await desk.picture(file);
}

export async function a_device_that_knocks_is_listed(desk, servers) {
	const { status, waiting } = await knock(desk, servers, { code: "1010" });
	assert.deepEqual([status, waiting], [503, 1]);
	await open_stranger(desk);
	assert.match(await desk.headline(), /nothing that it sent is kept.* A System Manager claims it/);
	assert.ok(!(await desk.buttons()).includes("Claim"), "devices are entered by System Managers");
}

// Nothing of it is taken before a person has said whose device it is.
export async function it_is_claimed(desk, file) {
	await open_stranger(desk);
	assert.match(await desk.headline(), /Compare the serial number/);
	await desk.press("Claim");
	const title = `Claim ${TERMINAL}`;
	await desk.dialog_fill(title, "device_name", "Back Door");
	const homes = await desk.dialog(title).locator('[data-fieldname="home"] option').allInnerTexts();
	assert.match(homes[0], /None: it only pushes \(Asia\/Kolkata\)/);
	assert.ok(
		homes.some((home) => home.startsWith("Branch")),
		homes.join("\n")
	);
	await desk.picture(file);
	await desk.dialog_press(title, "Claim");
	await desk.page.waitForFunction((doctype) => cur_frm?.doctype === doctype, DEVICE);
	await desk.settled();
	assert.equal(await desk.doc("serial_number"), TERMINAL);
	assert.equal(await desk.doc("push"), 1);
	assert.equal(await desk.count(UNKNOWN, { serial_number: TERMINAL }), 0);
}

async function open_stranger(desk) {
	await desk.go("List", UNKNOWN);
	await desk.page.locator(".list-row:visible", { hasText: TERMINAL }).first().waitFor();
	const [name] = await desk.names(UNKNOWN, { serial_number: TERMINAL }, 1);
	await desk.go("Form", UNKNOWN, name);
}

// The one that waited since before it was claimed, and the new one.
export async function what_it_pushes_becomes_check_ins(desk, servers) {
	const [device] = await desk.names(DEVICE, { serial_number: TERMINAL }, 1);
	await desk.go("Form", DEVICE, device);
	await desk.page.waitForTimeout(1100); // two punches of one second are one
	const { status, is_set, waiting } = await knock(desk, servers, { code: "1011" });
	assert.deepEqual([status, is_set, waiting], [200, true, 0]);
	await desk.until(
		"both punches are used",
		async () => (await desk.count(EVENT, { device, status: "Processed" })) === 2
	);
}

export async function a_device_is_asked(desk, servers, file) {
	const device = await desk.doc("name");
	for (const [what, command] of [
		["Ask for Punches", /DATA QUERY ATTLOG/],
		["Compare Counts", /VERIFY SUM ATTLOG/],
	]) {
		await desk.go("Form", DEVICE, device);
		await desk.clear_alerts();
		await choose_in_group(desk, "Push", what);
		await desk.dialog_shown(what);
		if (what === "Ask for Punches") await desk.picture(file);
		await desk.dialog_press(what, "Ask");
		await desk.page.locator(".desk-alert", { hasText: "most often within a minute" }).waitFor();
		const { commands, waiting } = await knock(desk, servers);
		assert.match(commands.join("\n"), command);
		assert.match(commands.join("\n"), / 00:00:00\tEndTime=.* 23:59:59/, "whole days");
		assert.equal(waiting, 0);
	}
	assert.equal(await desk.count(EVENT, { device }), 2, "what was here is not here twice");
}

export async function its_answers_are_sentences(desk, file) {
	const device = await desk.doc("name");
	await choose_in_group(desk, "Push", "Questions and Answers");
	await desk.page.waitForFunction((doctype) => cur_list?.doctype === doctype, COMMAND);
	await desk.listed();
	const rows = (await desk.page.locator(".list-row:visible").allInnerTexts()).join("\n");
	for (const words of ["Ask for Punches", "Compare Counts", "Answered", "none is missing"])
		assert.ok(rows.includes(words), rows);
	await desk.hide_sidebar();
	await desk.picture(file);
	const [name] = await desk.names(COMMAND, { device, ask: "Compare Counts" }, 1);
	await desk.go("Form", COMMAND, name);
	assert.match(await desk.doc("answer"), /2/);
	assert.ok(!(await desk.buttons()).includes("Save"), "an answer is not for writing");
}

// Two punches that its server has brought, two new ones, a third of an id that nobody has, and a line that is cut off.
export async function a_file_says_what_it_holds(desk, file) {
	const day = await desk.page.evaluate(() => frappe.datetime.add_days(frappe.datetime.get_today(), -1));
	const row = (code, time) => `${code}\t${day} ${time}\t1\t0\t1\t0`;
	const lines = [
		row("2001", "08:02:00"),
		row("2003", "08:05:14"),
		row("2001", "13:05:10"),
		row("2003", "13:06:20"),
		row("8999", "13:07:30"),
		"2005\t2025-0",
	];
	await desk.go("List", IMPORT);
	await desk.page.evaluate((doctype) => frappe.new_doc(doctype), IMPORT);
	await desk.page.waitForFunction((doctype) => cur_frm?.doctype === doctype && cur_frm.is_new(), IMPORT);
	await desk.settled();
	assert.match(await desk.headline(), /you see what it holds/);
	await desk.attach("file", `${WAREHOUSE}_attlog.dat`, lines.join("\r\n") + "\r\n");
	await desk.becomes("status", "Previewed");
	assert.match(await desk.headline(), /Nothing is brought in yet/);
	assert.deepEqual(await numbers(desk), { new: 3, known: 2, outside: 0, odd: 1, unmapped: 1 });
	const preview = desk.page.locator('.form-layout:visible [data-fieldname="preview_html"]');
	const pills = await preview.locator(".indicator-pill").allInnerTexts();
	assert.deepEqual(
		pills.map((words) => words.trim()),
		["Known", "Known", "New", "New", "New", "Unreadable"]
	);
	const words = await preview.innerText();
	for (const part of ["Warehouse", "8999", "nobody has this id yet", "2005"])
		assert.ok(words.includes(part), words);
	await desk.hide_sidebar();
	await preview.scrollIntoViewIfNeeded();
	await desk.picture(file);
}

export async function it_is_imported_and_undone(desk) {
	const device = (await desk.names(DEVICE, { serial_number: WAREHOUSE }, 1))[0];
	const before = await desk.count(EVENT, { device });
	const made = await desk.count("Employee Checkin");
	await desk.press("Import");
	await desk.becomes("status", "Imported");
	assert.match(await desk.headline(), /The punches are in/);
	assert.equal(await desk.count(EVENT, { device, kind: "Punch" }), before + 3);
	await desk.until(
		"two check-ins are made",
		async () => (await desk.count("Employee Checkin")) === made + 2
	);
	await desk.press("Undo");
	await desk.dialog_says("Confirm", /3 punches that this file was the first to bring go, and 2 check-ins/);
	await desk.dialog_press("Confirm", "Yes");
	await desk.becomes("status", "Undone");
	assert.equal(await desk.count("Employee Checkin"), made);
	assert.equal(await desk.count(EVENT, { device }), before);
}

// As the device does it at its start: it greets, sends what it has, and looks for commands.
function knock(desk, servers, order = {}) {
	const { protocol, hostname, port } = new URL(desk.base);
	return servers.ask({
		terminal: TERMINAL,
		url: `${protocol}//127.0.0.1:${port}/${DOOR}`,
		site: hostname,
		...order,
	});
}

async function choose_in_group(desk, group, label) {
	const buttons = desk.page.locator(".page-head:visible .inner-group-button:visible", { hasText: group });
	await buttons.locator("button").first().click();
	await desk.page.locator(".dropdown-menu:visible .dropdown-item", { hasText: label }).first().click();
}

async function numbers(desk) {
	const found = {};
	for (const kind of ["new", "known", "outside", "odd", "unmapped"])
		found[kind] = await desk.doc(`${kind}_count`);
	return found;
}
