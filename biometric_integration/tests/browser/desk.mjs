// What a person does in the Desk: sign in, open a page, fill in a field, press a button.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];
export const SIZE = { width: 1366, height: 768 };
const PATIENCE = 60_000;

export class Desk {
	// `host`: the name of the site, which the browser is told to find on 127.0.0.1.
	static async open({ base, executablePath }) {
		const profile = fs.mkdtempSync(path.join(os.tmpdir(), "biometric-browser-"));
		const host = new URL(base).hostname;
		const context = await chromium.launchPersistentContext(profile, {
			executablePath,
			headless: true,
			viewport: SIZE,
			args: [...FLAGS, `--host-resolver-rules=MAP ${host} 127.0.0.1`],
		});
		context.setDefaultTimeout(PATIENCE);
		return new Desk(base, context, profile);
	}

	constructor(base, context, profile) {
		Object.assign(this, { base, context, profile, errors: [] });
		this.page = context.pages()[0];
		this.page.on("pageerror", (error) => this.errors.push(`${this.page.url()}: ${error.message}`));
	}

	async close() {
		await this.context.close();
		fs.rmSync(this.profile, { recursive: true, force: true });
	}

	async sign_in(user, password) {
		await this.context.clearCookies();
		await this.page.goto(`${this.base}/login`);
		await this.page.evaluate(() => localStorage.clear());
		await this.page.fill("#login_email", user);
		await this.page.fill("#login_password", password);
		await this.page.click(".btn-login");
		await this.page.waitForURL(/\/(app|desk)/);
		await this.settled();
	}

	// Nothing is being asked of the server, and nothing covers the page.
	async settled() {
		await this.page.waitForFunction(
			() =>
				window.frappe?.request?.ajax_count === 0 &&
				frappe.router?.current_route &&
				!document.querySelector("#freeze.in, #freeze.show")
		);
	}

	async go(...route) {
		await this.settled();
		await this.page.evaluate((route) => frappe.set_route(...route), route);
		await this.page.waitForFunction(
			(wanted) => {
				const words = (route) =>
					route.slice(0, wanted.length).map((word) => String(word).toLowerCase());
				return words(frappe.get_route()).join() === words(wanted).join();
			},
			route.filter((part) => typeof part === "string")
		);
		await this.settled();
		if (route[0] === "Form") {
			await this.page.waitForFunction(
				([, doctype, name]) => cur_frm?.doctype === doctype && (!name || cur_frm.doc?.name === name),
				route
			);
			await this.page.waitForSelector(".form-layout:visible");
		}
		if (route[0] === "List") await this.listed();
		await this.settled();
	}

	async listed() {
		await this.page.waitForFunction(
			() => cur_list?.doctype === frappe.get_route()[1] && cur_list.data && !cur_list.freeze_on_refresh
		);
		await this.settled();
	}

	// --- forms

	control(fieldname, kind = "input") {
		return this.page
			.locator(`.form-layout:visible [data-fieldname="${fieldname}"] ${kind}:visible`)
			.first();
	}

	async fill(fieldname, value) {
		await this.write(this.control(fieldname, "input, textarea"), value);
		await this.page.waitForFunction((fieldname) => cur_frm.doc[fieldname] !== undefined, fieldname);
	}

	// The picker of a date empties what is written before it has opened.
	async write(control, value) {
		await control.click();
		await this.page.waitForFunction(() =>
			$(".datepicker.active")
				.toArray()
				.every((picker) => !picker.getAnimations().length)
		);
		await control.fill(value);
		await control.press("Tab");
	}

	async choose(fieldname, value) {
		await this.control(fieldname, "select").selectOption(value);
		await this.page.waitForFunction(([name, value]) => cur_frm.doc[name] === value, [fieldname, value]);
	}

	async tick(fieldname) {
		await this.control(fieldname, 'input[type="checkbox"]').check();
		await this.page.waitForFunction((name) => cur_frm.doc[name] === 1, fieldname);
	}

	// A file that is chosen on the person's computer.
	async attach(fieldname, name, text) {
		await this.page
			.locator(`.form-layout:visible [data-fieldname="${fieldname}"] .btn-attach:visible`)
			.click();
		const dialog = this.page.locator(".modal.show", { has: this.page.locator(".file-uploader") });
		await dialog
			.locator('input[type="file"]')
			.setInputFiles({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });
		await dialog.locator(".modal-footer .btn-primary:visible").click();
		await dialog.waitFor({ state: "hidden" });
		await this.page.waitForFunction(
			(fieldname) => cur_frm.doc[fieldname] && !cur_frm.is_new(),
			fieldname
		);
		await this.settled();
	}

	async tab(label) {
		await this.page.locator(".form-tabs:visible .nav-link", { hasText: label }).click();
	}

	async save() {
		await this.page.locator(".page-head:visible .primary-action:visible").click();
		await this.page.waitForFunction(() => !cur_frm.is_dirty() && !cur_frm.is_new());
		await this.settled();
		await this.clear_alerts();
	}

	// The little messages in the corner.
	async clear_alerts() {
		await this.page.evaluate(() => $("#alert-container .desk-alert").remove());
	}

	async press(label) {
		await this.page.locator(".page-head:visible button:visible", { hasText: exactly(label) }).click();
	}

	async buttons() {
		const all = await this.page
			.locator(".page-head:visible .page-actions button:visible")
			.allInnerTexts();
		return all.map((text) => text.trim()).filter(Boolean);
	}

	async has_field(fieldname) {
		return (
			(await this.page
				.locator(`.form-layout:visible [data-fieldname="${fieldname}"]:visible`)
				.count()) > 0
		);
	}

	// What the form calls its document; newer versions of frappe have the list before it.
	async title() {
		const crumbs = this.page.locator(".page-title:visible").locator(".title-text, .title-text-form");
		return (await crumbs.last().innerText()).trim();
	}

	async headline() {
		const line = this.page.locator(".form-message:visible, .form-dashboard-headline:visible").first();
		return (await line.innerText()).trim();
	}

	async doc(fieldname) {
		return this.page.evaluate((fieldname) => cur_frm.doc[fieldname], fieldname);
	}

	// Reloads the form until a field of it has this value: background jobs need their time.
	async becomes(fieldname, value) {
		await this.until(`${fieldname} is ${value}`, async () => {
			if ((await this.doc(fieldname)) === value) return true;
			await this.page.evaluate(() => cur_frm.reload_doc());
			await this.settled();
			return false;
		});
	}

	async until(what, is_so) {
		const end = Date.now() + PATIENCE;
		while (!(await is_so())) {
			if (Date.now() > end) throw new Error(`${what}: not within ${PATIENCE / 1000} s`);
			await this.page.waitForTimeout(500);
		}
	}

	// --- dialogs

	dialog(title) {
		return this.page.locator(".modal.show", {
			has: this.page.locator(".modal-title", { hasText: title }),
		});
	}

	// A dialog that is still being shown does not hear that it should hide.
	async dialog_shown(title) {
		await this.dialog(title).first().waitFor();
		await this.page.waitForFunction(() =>
			$(".modal.show")
				.toArray()
				.every((modal) => !$(modal).data("bs.modal")?._isTransitioning)
		);
	}

	async dialog_fill(title, fieldname, value) {
		await this.dialog_shown(title);
		await this.write(
			this.dialog(title).locator(`[data-fieldname="${fieldname}"] input:visible`).first(),
			value
		);
	}

	async dialog_press(title, label) {
		await this.dialog_shown(title);
		await this.dialog(title)
			.locator(".modal-footer button:visible", { hasText: exactly(label) })
			.click();
	}

	async dialog_says(title, pattern) {
		await this.dialog(title).getByText(pattern).first().waitFor();
	}

	async dialog_close(title) {
		await this.dialog_shown(title);
		const dialog = this.dialog(title);
		await dialog.locator(".btn-modal-close:visible").click();
		await dialog.waitFor({ state: "hidden" });
		await this.page.waitForFunction(() => !document.querySelector(".modal-backdrop"));
	}

	// --- what the site has

	async count(doctype, filters = {}) {
		return this.page.evaluate(
			([doctype, filters]) => frappe.db.count(doctype, { filters }),
			[doctype, filters]
		);
	}

	async names(doctype, filters, limit = 20) {
		return this.page.evaluate(
			([doctype, filters, limit]) =>
				frappe.db
					.get_list(doctype, { filters, limit, order_by: "modified desc" })
					.then((rows) => rows.map((row) => row.name)),
			[doctype, filters, limit]
		);
	}

	// The date as a person of this site writes it.
	async written_date(days) {
		return this.page.evaluate(
			(days) =>
				frappe.datetime.str_to_user(frappe.datetime.add_days(frappe.datetime.get_today(), days)),
			days
		);
	}

	// As if the person had sorted the list so before.
	async sort(doctype, sort_by) {
		await this.page.evaluate(
			([doctype, sort_by]) =>
				frappe.model.user_settings.save(doctype, "List", { sort_by, sort_order: "desc" }),
			[doctype, sort_by]
		);
	}

	// --- pictures

	// By the button of the page, or by the menu of the form, where newer versions of frappe have it.
	async hide_sidebar() {
		const sidebar = this.page.locator(".layout-side-section:visible").first();
		if (!(await sidebar.count())) return;
		const button = this.page.locator(".page-head:visible .sidebar-toggle-btn:visible");
		if (await button.count()) await button.click();
		else await this.menu("Toggle Sidebar");
		await sidebar.waitFor({ state: "hidden" });
	}

	async menu(label) {
		const group = this.page.locator(".page-head:visible .menu-btn-group:visible");
		await group.locator("> button").click();
		await group.locator(".dropdown-item:visible", { hasText: exactly(label) }).click();
	}

	// The chart is there, and has stopped growing.
	async drawn(selector) {
		await this.page.waitForFunction(
			(selector) => {
				const boxes = [...document.querySelectorAll(selector)].map((shape) =>
					shape.getBoundingClientRect()
				);
				const now = boxes.map(({ y, height }) => `${y}/${height}`).join();
				const before = window.drawn_before;
				window.drawn_before = now;
				return boxes.some(({ height }) => height > 1) && now === before;
			},
			selector,
			{ polling: 500 }
		);
	}

	async picture(file) {
		if (!file) return;
		await this.clear_alerts();
		await this.page.mouse.move(SIZE.width - 1, SIZE.height - 1);
		await this.page.evaluate(() => {
			document.activeElement?.blur();
			$(".tooltip").remove();
		});
		await this.page.screenshot({ path: file, animations: "disabled" });
	}

	no_errors() {
		assert.deepEqual(this.errors, [], "errors in the browser");
	}
}

const exactly = (label) => new RegExp(`^\\s*${label}\\s*$`);
