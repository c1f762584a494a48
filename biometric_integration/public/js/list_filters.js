// What is typed above the list is what is looked for: an index finds it at once, where `%text%` reads every row there is. Whoever
// wants the latter types the signs (v15) or chooses *Like* (v16).
export function exact_filters(list) {
	for (const field of Object.values(list.page.fields_dict)) {
		const { df } = field;
		if (df.condition !== "like") continue;
		Object.defineProperty(df, "condition", {
			get: () => (String(field.get_value() ?? "").includes("%") ? "like" : "="),
			enumerable: true,
			configurable: true,
		});
		if (df.match_type === "like") df.match_type = "=";
	}
}
