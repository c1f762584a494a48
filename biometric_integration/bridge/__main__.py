"""Where the process begins and ends: Ctrl-C has its sentence before the command is imported, and after it is done."""

from __future__ import annotations

import signal

from biometric_integration.bridge.interruption import interrupt, leave


def main() -> int:
	"""The command of `sys.argv`; returns its exit code."""
	before = signal.signal(signal.SIGINT, leave)
	from biometric_integration.bridge import cli

	try:
		signal.signal(signal.SIGINT, interrupt if before is signal.default_int_handler else before)
		return cli.main()
	except KeyboardInterrupt:  # one more, while the first was seen to
		return leave(signal.SIGINT)
	finally:
		signal.signal(signal.SIGINT, leave)


if __name__ == "__main__":
	raise SystemExit(main())
