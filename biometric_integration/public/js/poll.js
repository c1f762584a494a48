// Ask again and again, until `take` says of an answer that it is over, the dialog is closed, or `stop` is called.
// A question that fails is asked again. Returns {now, stop}; `now` asks at once.
export function poll({ ask, take, dialog, every = 2000 }) {
	let timer = null;
	let stopped = false;

	const stop = () => {
		stopped = true;
		clearTimeout(timer);
	};
	const later = () => {
		clearTimeout(timer);
		timer = setTimeout(now, every);
	};
	const now = async () => {
		clearTimeout(timer);
		if (stopped) return;
		let answer = null;
		try {
			answer = await ask();
		} catch {
			// The network was gone, or the server busy: the next answer says what is.
		}
		if (stopped) return;
		later(); // before it is taken: an error in there shows in the console, and ends nothing
		if (answer && take(answer)) stop();
	};

	dialog?.$wrapper.one("hide.bs.modal", stop);
	now();
	return { now, stop };
}
