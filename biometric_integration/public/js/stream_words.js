// "main/eBioServer/*/live" in words; plain text.
export function stream_words(stream) {
	const [server, _server_type, ...rest] = (stream || "").split("/");
	if (rest.length < 2) return stream || "";
	const feed = rest.pop();
	const unit = rest.join("/");
	const feeds = { live: __("newest punches"), day: __("day by day"), punches: "" };
	const words = [
		server === "main" ? __("Main Server") : server,
		unit === "*" ? "" : unit,
		feed in feeds ? feeds[feed] : feed,
	];
	return words.filter(Boolean).join(" · ");
}
