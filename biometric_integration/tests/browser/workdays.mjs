// What people read of workdays: the list, the page that says why, the report and the numbers.
import assert from "node:assert/strict";

const SETTINGS = "Biometric Sync Settings";
const WORKDAY = "Biometric Workday";
const DECISION = "Biometric Decision";
const WAITING = { state: ["in", ["Held", "To Settle"]] };

// As the scheduler would do it each minute: a person with the right to it presses Execute.
export async function workdays_are_judged(desk, days) {
	await desk.go("Form", SETTINGS);
	await desk.tab("Workdays");
	await desk.fill("workdays_from", await desk.written_date(-days));
	await desk.save();
	await desk.page.evaluate(() =>
		frappe.db
			.get_list("Scheduled Job Type", { filters: { method: "biometric_integration.tasks.sync_due" } })
			.then(([doc]) =>
				frappe.call("frappe.core.doctype.scheduled_job_type.scheduled_job_type.execute_event", {
					doc,
				})
			)
	);
	await desk.until("days wait for somebody", async () => (await desk.count(WORKDAY, WAITING)) > 0);
}

export async function the_list_begins_with_what_waits(desk, file) {
	await desk.go("List", WORKDAY);
	const rows = await desk.page.locator(".list-row:visible").allInnerTexts();
	assert.ok(rows.length > 0);
	assert.ok(
		rows.every((row) => /Held|To Settle/.test(row)),
		rows.join("\n")
	);
	await desk.hide_sidebar();
	await desk.picture(file);
	await desk.press("Check-ins in No Attendance");
	await desk.page.waitForFunction(() =>
		cur_list.filter_area.get().some(([, field, sign]) => field === "unlinked" && sign === ">")
	);
	await desk.settled();
}

// One that waits, if any of those has check-ins at this time of the day.
export async function a_workday_says_why(desk, file) {
	const punched = { checkins: [">", 0] };
	const waiting = await desk.names(WORKDAY, { ...WAITING, ...punched }, 1);
	const [name] = waiting.length ? waiting : await desk.names(WORKDAY, punched, 1);
	await desk.go("Form", WORKDAY, name);
	const sentence = await desk.headline();
	assert.ok(sentence.length > 20, sentence);
	assert.doesNotMatch(sentence, /\?|undefined|\d{4}-\d\d-\d\d \d\d:/);
	const page = await desk.page.locator('.form-layout:visible [data-fieldname="answer"]').innerText();
	for (const words of ["Is Written", "Would Be Right", "Check-ins", "Devices"])
		assert.ok(page.includes(words), page);
	const links = await desk.page
		.locator('.form-layout:visible [data-fieldname="answer"] td a')
		.evaluateAll((found) => found.map(({ href }) => href));
	assert.ok(links.some((href) => href.includes("employee-checkin")));
	assert.ok(links.some((href) => href.includes("biometric-device")));
	assert.ok(!(await desk.buttons()).includes("Save"), "a workday is not for writing");
	await desk.hide_sidebar();
	await desk.picture(file);
}

export async function the_report_says_it_of_all(desk, file) {
	await desk.go("query-report", "Workdays");
	await desk.page.locator(".report-summary:visible .summary-item").first().waitFor();
	await desk.page.locator(".dt-row:visible .dt-cell").first().waitFor();
	const words = await desk.page.locator(".report-summary:visible").innerText();
	assert.match(words, /Held|To Settle/);
	const waiting = await desk.page.evaluate(() => frappe.query_report.data.length);
	await desk.picture(file);
	await desk.page.evaluate(() => frappe.query_report.set_filter_value("state", "All"));
	await desk.until("all states are there", () =>
		desk.page.evaluate((waiting) => frappe.query_report.data.length > waiting, waiting)
	);
	await desk.settled();
}

export async function a_number_opens_what_it_counts(desk) {
	await desk.go("Workspaces", "Biometric Integration");
	for (const [label, state] of [
		["Workdays to Settle", "To Settle"],
		["Workdays Held", "Held"],
	]) {
		const card = desk.page.locator(".number-widget-box:visible", { hasText: label });
		await card.locator(".number").waitFor();
		const shown = Number((await card.locator(".number").innerText()).trim());
		assert.ok(shown <= (await desk.count(WORKDAY, { state })));
		await card.locator(".number").click();
		await desk.page.waitForFunction((doctype) => cur_list?.doctype === doctype, WORKDAY);
		await desk.listed();
		const asked = await desk.page.evaluate(() => cur_list.filter_area.get());
		assert.ok(
			asked.some(([, field, , value]) => field === "state" && value === state),
			JSON.stringify(asked)
		);
		await desk.go("Workspaces", "Biometric Integration");
	}
}

export async function a_decision_says_what_it_does(desk) {
	const [name] = await desk.names(WORKDAY, WAITING, 1);
	const { employee, date } = await desk.page.evaluate(
		([doctype, name]) =>
			frappe.db.get_value(doctype, name, ["employee", "date"]).then(({ message }) => message),
		[WORKDAY, name]
	);
	await desk.page.evaluate(
		([doctype, values]) => frappe.new_doc(doctype, values),
		[DECISION, { employee, date }]
	);
	await desk.page.waitForFunction((doctype) => cur_frm?.doctype === doctype && cur_frm.is_new(), DECISION);
	await desk.settled();
	await desk.choose("what", "Leave It");
	await desk.page.locator(".form-message:visible", { hasText: "The workday" }).waitFor();
	await desk.fill("reason", "Asked by telephone");
	await desk.save();
	assert.match(await desk.headline(), /stays as it is/);
}

// Left as it is with a reason, and taken back: as it was. Not one of whom an id has been entered since: those days were not looked at again yet.
export async function a_day_is_settled_and_taken_back(desk) {
	const [name] = await desk.names(WORKDAY, { state: "To Settle", reason: ["!=", "No Id"] }, 1);
	await desk.go("Form", WORKDAY, name);
	const before = await desk.headline();
	const title = await desk.title();
	await desk.page.locator(".page-head:visible .primary-action:visible").click();
	await desk.dialog_shown(title);
	await desk.dialog(title).locator('[data-fieldname="what"] select').selectOption("Leave It");
	await desk.dialog_says(title, "A person left it as it is.");
	assert.equal(await desk.count(DECISION, { reason: "Was at the customer's" }), 0, "looking keeps nothing");
	await desk.dialog(title).locator('[data-fieldname="reason"] textarea').fill("Was at the customer's");
	await desk.dialog_press(title, "Leave It");
	await desk.page.locator("[data-decision]:visible").waitFor();
	assert.match(await desk.headline(), /left it as it is/);
	await desk.clear_alerts();
	await desk.page.locator("[data-decision]:visible").click();
	await desk.dialog_press("Confirm", "Yes");
	await desk.page.locator("[data-decision]:visible").waitFor({ state: "detached" });
	assert.equal(await desk.headline(), before);
}

// What fits some of the days that are chosen is offered for those; nothing happens to the others.
export async function days_are_settled_in_bulk(desk) {
	await desk.go("List", WORKDAY);
	await desk.page.locator(".list-header-subject .list-check-all:visible").first().click();
	await desk.page.locator(".actions-btn-group:visible button").first().click();
	await desk.page.locator(".actions-btn-group .dropdown-menu:visible a", { hasText: "Settle" }).click();
	await desk.dialog_shown("Settle");
	const chosen = desk.dialog("Settle").locator('[data-fieldname="what"] select');
	const offered = await chosen.locator("option").allInnerTexts();
	assert.ok(offered.length > 1 && offered.every((words) => !words.includes("undefined")), offered.join());
	await chosen.selectOption("Leave It");
	await desk.dialog_says("Settle", /will be decided/);
	await desk.dialog_close("Settle");
}
