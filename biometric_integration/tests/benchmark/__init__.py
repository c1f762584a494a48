"""What a punch costs: how fast, with how many queries and how much memory, next to other ways of writing the same check-ins.

No test runner picks this up, as it takes minutes. It needs a site of its own and refuses one that holds what it has not made:

    make benchmark PARTS=speed,idle PUNCHES=20000
    bench --site benchmark.localhost execute biometric_integration.tests.benchmark.run --kwargs "{'parts': 'speed', 'punches': 20000}"

Parsing alone needs no site: `python -m biometric_integration.tests.benchmark.parsing`.

Parts: speed (ours, the ways of others, and the floor below all of them), rules, parsing, idle, parallel, live, memory, large, growth, workdays, two. Nothing here fails for being slow;
the exit code is other than 0 where check-ins and truth differ.
"""


def run(parts: str = "", **sizes) -> None:
	"""Measure the parts (comma-separated; none = all) and print one table. `sizes`: fields of `suite.Sizes`, and `wipe`."""
	from biometric_integration.tests.benchmark import suite  # frappe: the parsing part does without

	suite.run(parts, **sizes)
