// "main/eBioServer/*/live" in words; plain text.
export function stream_words(stream) {
	const [server, _server_type, ...rest] = (stream || "").split("/");
	if (rest.length < 2) return stream || "";
	const feed = rest.pop();
	const unit = rest.join("/");
	const feeds = {
		live: __("newest punches"),
		day: __("day by day"),
		punches: "",
		push: __("pushed by the device"),
		webhook: __("web hook"),
		api: __("ingest API"),
		file: __("file"),
	};
	const words = [
		server === "main" ? __("Main Server") : server,
		// a unit of what is received begins with its feed
		unit === "*" ? "" : unit.startsWith(`${feed} `) ? unit.slice(feed.length + 1) : unit,
		feed in feeds ? feeds[feed] : feed,
	];
	return words.filter(Boolean).join(" · ");
}
