// Likely mistakes in the scripts of Desk and of the browser test. Not at the top of the repository: a package.json there would make
// `bench get-app` and `bench setup requirements` install these tools on every site.
import js from "@eslint/js";
import globals from "globals";

const desk = Object.fromEntries(
	[
		"$",
		"__",
		"biometric_integration",
		"cint",
		"cur_frm",
		"cur_list",
		"flt",
		"format_number",
		"frappe",
		"moment",
	].map((name) => [name, "readonly"])
);

export default [
	{ ignores: ["**/dist/"] },
	js.configs.recommended,
	{
		rules: {
			"no-unused-vars": [
				"error",
				{ argsIgnorePattern: "^_", destructuredArrayIgnorePattern: "^_", caughtErrors: "all" },
			],
			"no-var": "error",
			"prefer-const": "error",
		},
	},
	{
		files: ["biometric_integration/**/*.js"],
		languageOptions: { sourceType: "script", globals: { ...globals.browser, ...desk } },
	},
	{
		files: ["biometric_integration/public/js/**/*.js"],
		ignores: ["biometric_integration/public/js/employee_checkin.js"],
		languageOptions: { sourceType: "module" },
	},
	{
		// Parts of it are sent into the page.
		files: ["**/*.mjs"],
		languageOptions: { globals: { ...globals.node, ...globals.browser, ...desk } },
	},
];
