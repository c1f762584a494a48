"""The rooms of the app, and which way the imports run between them (docs/architecture.md *Layers*).

A new room, a new package or a new way between two rooms is written down here first.
"""

from __future__ import annotations

import ast
import re
import sys
import unittest
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from textwrap import dedent

import biometric_integration

APP = "biometric_integration"
THIS = f"{APP}/tests/unit/test_structure.py"
BY_NAME = re.compile(rf"(?!.*\.(?:js|css)$){APP}(\.\w+)+")
"""A text that is all dotted path: what a job or a hook calls is imported as well. A bundle of scripts is none."""


@dataclass(frozen=True)
class Room:
	"""A part of the app. `places`: its folders (with `/**` what is below them, too) and files; empty = the folder of its name.

	`below`: the rooms, or single files of rooms, that it may import besides itself; `sync` stands for all rooms of that folder.
	"""

	name: str
	below: tuple[str, ...] = ()
	places: tuple[str, ...] = ()

	def holds(self, path: str) -> bool:
		folder = path.rpartition("/")[0]
		return any(
			place in (path, folder) or (place.endswith("/**") and path.startswith(place[:-2]))
			for place in self.places or (self.name,)
		)


REGISTRY = "connectors/registry.py"
"""The one door of `connectors`: a host knows no server type."""

DOORS_OF_THE_BRIDGE = tuple(
	f"connectors/{name}.py" for name in ("endpoint", "redaction", "steps", "transport")
)
"""How it reaches the site: by the same transport as servers, with the same care for secrets."""

SYNC = (
	"sync/db",
	"sync/records",
	"sync/hrms",
	"sync/process",
	"sync/workdays",
	"sync/store.py",
	"sync/jobs.py",
	"sync/receiving",
	"sync/retention.py",
	"sync/push",
	"sync/bridges",
	"sync/desk",
	"old paths",
)
"""The rooms of the Frappe host, from the lowest on: each may import those before it."""

OLD_PATHS = ("sync/attendance.py", "sync/period.py", "sync/reopen.py")
"""For one release: jobs and hooks that were queued or cached under these."""

ENTRY_POINTS = (
	"api.py",
	"custom_fields.py",
	"hooks.py",
	"install.py",
	"permissions.py",
	"push.py",
	"patches/**",
	"tasks.py",
	f"{APP}/dashboard_chart_source/**",
	f"{APP}/doctype/**",
	f"{APP}/report/**",
)

ROOMS = (
	Room("the package", places=("__init__.py", f"{APP}/__init__.py", "sync/__init__.py")),
	Room("core"),
	Room("simulator"),
	Room("connectors", below=("core",)),
	Room("receivers", below=("core",), places=("receivers/**",)),
	Room(
		"bridge",
		below=("core", "receivers", REGISTRY, *DOORS_OF_THE_BRIDGE, "simulator", "the package"),
		places=("bridge/**",),
	),
	*(
		Room(
			name,
			below=("core", REGISTRY, "receivers", *SYNC[:depth]),
			places=OLD_PATHS if name == "old paths" else (),
		)
		for depth, name in enumerate(SYNC)
	),
	Room("entry points", below=("core", "sync"), places=ENTRY_POINTS),
)

PACKAGES: Mapping[str, tuple[str, ...]] = {
	"frappe": ("sync", "entry points"),
	"hrms": ("sync/hrms",),
	"rq.timeouts": ("sync/db/transaction.py", "sync/store.py"),
	"dateutil.parser": ("connectors/page.py",),
	"dateutil.relativedelta": ("core/window.py",),
	"openpyxl": ("receivers/files/workbook.py",),
	"redis.exceptions": ("sync/jobs.py", "sync/db/pace.py"),
	"cryptography.hazmat.primitives": ("sync/receiving/web_hook.py",),
	"requests": ("connectors/steps.py", "connectors/transport.py"),
	"tenacity": ("connectors/transport.py",),
	"tomli": ("bridge/agent/settings.py",),
	"tomllib": ("bridge/agent/settings.py",),
	"urllib3": ("connectors/transport.py",),
	"werkzeug.wrappers": ("api.py", "push.py"),
}
"""What is not of the standard library, and the rooms or files that may import it. Nobody needs erpnext."""

SHARED_BY_CONNECTORS = frozenset(
	f"connectors/{name}.py"
	for name in ("__init__", "endpoint", "page", "redaction", "rest", "soap", "steps", "transport")
)
"""Every other file there is a server type, which nobody but the registry imports."""


@dataclass(frozen=True)
class Import:
	"""`name` is the dotted path as it was meant, relative ones written out."""

	path: str
	line: int
	name: str

	@property
	def inside(self) -> bool:
		return self.name == APP or self.name.startswith(f"{APP}.")

	def fault(self, why: str) -> str:
		return f"{self.path}:{self.line} imports {self.name}: {why}"


def faults(files: Iterable[tuple[str, str]]) -> list[str]:
	"""What is wrong with the imports of these files, (path below the package, source), one sentence each.

	A circle through several rooms has an arrow upwards, which is told of as such.
	"""
	sources = dict(files)
	found = [_unlisted(path) for path in sources if room_of(path) is None]
	edges: dict[str, set[str]] = defaultdict(set)
	for path, source in sources.items():
		for item in imports(path, source):
			target = target_of(item.name, sources) if item.inside else None
			found += filter(None, [_wrong_way(item, target) if item.inside else _wrong_package(item)])
			if target and target != path and room_of(target) is room_of(path):
				edges[path].add(target)
	return found + [_circular(circle) for circle in circles(edges)]


def room_of(path: str) -> Room | None:
	return next((room for room in ROOMS if room.holds(path)), None)


def target_of(name: str, files: Collection[str]) -> str | None:
	"""The file that a dotted path of ours leads to: one that is there, or else one that would be in a room. None where it is in none."""
	parts = name.split(".")[1:]
	stems = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
	paths = [path for stem in stems for path in (f"{stem}.py", f"{stem}/__init__.py") if room_of(path)]
	# what the package says about itself is no file that nobody listed
	own = "__init__.py" if not parts or parts[0].startswith("__") else None
	return next((path for path in paths if path in files), paths[0] if paths else own)


def imports(path: str, source: str) -> Iterator[Import]:
	"""All of a file, also those inside functions, for types only and by name."""
	for node in ast.walk(ast.parse(source)):
		if isinstance(node, ast.Import):
			yield from (Import(path, node.lineno, alias.name) for alias in node.names)
		elif isinstance(node, ast.ImportFrom):
			base = _base(path, node)
			yield from (Import(path, node.lineno, f"{base}.{alias.name}") for alias in node.names)
		elif isinstance(node, ast.Call) and _is_import_call(node):
			yield Import(path, node.lineno, str(ast.literal_eval(node.args[0])))
		elif isinstance(node, ast.Constant) and isinstance(node.value, str) and BY_NAME.fullmatch(node.value):
			yield Import(path, node.lineno, node.value)


def _base(path: str, node: ast.ImportFrom) -> str:
	package = [APP, *path.split("/")[:-1]]
	above = package[: len(package) - node.level + 1] if node.level else []
	return ".".join([*above, *filter(None, [node.module])])


def _is_import_call(node: ast.Call) -> bool:
	called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
	return (
		called in ("import_module", "__import__")
		and bool(node.args)
		and isinstance(node.args[0], ast.Constant)
		# by its dotted path it is found as a text already
		and not BY_NAME.fullmatch(str(node.args[0].value))
	)


def _unlisted(path: str) -> str:
	return (
		f"{path}: this place is in no room. Put it into one, or list a new one in ROOMS of {THIS}, with what it"
		" may import."
	)


def _wrong_way(item: Import, target: str | None) -> str | None:
	importer = room_of(item.path)
	if importer is None:
		return None  # said once for the whole file
	room = room_of(target) if target else None
	if target is None or room is None:
		return item.fault(f"that is in no room; ROOMS of {THIS} lists them.")
	if room is importer:
		return _from_a_server_type(item, target)
	if _is_of(room.name, importer.below) or target in importer.below:
		return None
	if any(entry.startswith(f"{room.name}/") and entry.endswith(".py") for entry in importer.below):
		doors = ", ".join(entry for entry in importer.below if entry.startswith(f"{room.name}/"))
		return item.fault(f"from {room.name} only {doors} is imported here, which knows the rest.")
	if any(_is_of(entry, (importer.name,)) for entry in room.below) or _is_of(importer.name, room.below):
		return item.fault(f"{importer.name} stands below {room.name}, and imports run downwards only.")
	allowed = ", ".join(importer.below) or "none of the other rooms"
	return item.fault(f"{importer.name} may import {allowed}, and not {room.name}.")


def _is_of(name: str, rooms: Iterable[str]) -> bool:
	return any(f"{name}/".startswith(f"{room}/") for room in rooms)


def _is_in(path: str, place: str) -> bool:
	room = room_of(path)
	return path == place or (room is not None and _is_of(room.name, (place,)))


def _from_a_server_type(item: Import, target: str) -> str | None:
	is_server_type = target.startswith("connectors/") and target not in SHARED_BY_CONNECTORS
	if not is_server_type or item.path in (REGISTRY, target):
		return None
	return item.fault(
		"server types know nothing of each other; what two share goes into a file that both import."
	)


def _wrong_package(item: Import) -> str | None:
	if item.name.split(".")[0] in sys.stdlib_module_names:
		return None
	known = [package for package in PACKAGES if f"{item.name}.".startswith(f"{package}.")]
	users = [place for package in known for place in PACKAGES[package]]
	if any(_is_in(item.path, place) for place in users):
		return None
	if users:
		return item.fault(f"only {', '.join(users)} may.")
	parts = [package for package in PACKAGES if package.startswith(f"{item.name.split('.')[0]}.")]
	if parts:
		return item.fault(f"of this package only {', '.join(parts)} is used.")
	return item.fault(f"nobody may. PACKAGES of {THIS} lists what may be imported, and where.")


def circles(edges: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
	"""The shortest first; a file is told of once, as one more arrow can close many."""
	told: set[str] = set()
	ways = [_way_back(start, edges) for start in sorted(edges)]
	for circle in sorted(filter(None, ways), key=len):
		if told.isdisjoint(circle):
			told.update(circle)
			yield circle


def _way_back(start: str, edges: Mapping[str, Collection[str]]) -> list[str]:
	"""The shortest circle from `start`, or nothing."""
	ways = deque([[start]])
	seen: set[str] = set()
	while ways:
		way = ways.popleft()
		for path in sorted(edges.get(way[-1], ())):
			if path == start:
				return way
			if path not in seen:
				seen.add(path)
				ways.append([*way, path])
	return []


def _circular(circle: list[str]) -> str:
	way = " → ".join([*circle, circle[0]])
	return (
		f"{way}: a circle. What both need goes into a third file, or the lower one takes it as an argument."
	)


def package_files() -> Iterator[tuple[str, str]]:
	root = Path(biometric_integration.__file__).parent
	for file in sorted(root.rglob("*.py")):
		path = file.relative_to(root).as_posix()
		if not path.startswith(("tests/", "public/")):
			yield path, file.read_text(encoding="utf-8")


class Rooms(unittest.TestCase):
	def test_imports_run_one_way(self):
		found = faults(package_files())
		self.assertEqual(found, [], "\n" + "\n".join(found))

	def test_all_rooms_and_files_that_are_listed_are_there(self):
		paths = [path for path, _source in package_files()]
		for room in ROOMS:
			with self.subTest(room=room.name):
				self.assertTrue(
					any(map(room.holds, paths)), "nothing is left of this room: take it from ROOMS"
				)
		listed = {entry for entries in PACKAGES.values() for entry in entries} | set(ENTRY_POINTS)
		files = {entry for entry in listed | {REGISTRY, *SHARED_BY_CONNECTORS} if entry.endswith(".py")}
		self.assertEqual(files - set(paths), set())

	def test_each_place_that_may_import_a_package_does(self):
		used = {
			(item.name.split(".")[0], place)
			for path, source in package_files()
			for item in imports(path, source)
			for place in chain(*PACKAGES.values())
			if _is_in(path, place)
		}
		listed = {(package.split(".")[0], place) for package, places in PACKAGES.items() for place in places}
		self.assertEqual(listed - used, set(), "take it from PACKAGES")


class PlantedFaults(unittest.TestCase):
	"""Each rule, broken on purpose."""

	def assert_red(
		self, path: str, source: str, *words: str, beside: Mapping[str, str] | None = None
	) -> None:
		found = faults({path: dedent(source), **(beside or {})}.items())
		self.assertEqual(len(found), 1, found)
		for word in words:
			self.assertIn(word, found[0])

	def assert_green(self, path: str, source: str, beside: Mapping[str, str] | None = None) -> None:
		self.assertEqual(faults({path: dedent(source), **(beside or {})}.items()), [])

	def test_an_import_upwards_between_rooms_of_the_host(self):
		self.assert_red(
			"sync/db/sql.py",
			"import frappe\nfrom biometric_integration.sync import jobs",
			"sync/db/sql.py:2 imports biometric_integration.sync.jobs",
			"sync/db stands below sync/jobs.py",
		)

	def test_each_room_of_the_host_is_above_the_one_before(self):
		files = [name if name.endswith(".py") else f"{name}/some.py" for name in SYNC[:-1]]
		for lower, higher in pairwise(files):
			with self.subTest(lower=lower, higher=higher):
				name = f"{APP}.{higher.removesuffix('.py').replace('/', '.')}"
				self.assert_red(lower, f"import {name}", "imports run downwards only")
				name = f"{APP}.{lower.removesuffix('.py').replace('/', '.')}"
				self.assert_green(higher, f"import {name}")

	def test_an_import_upwards_from_the_core(self):
		self.assert_red(
			"core/pull.py",
			"from biometric_integration.connectors.page import NoRows",
			"core stands below connectors",
		)

	def test_an_import_upwards_inside_a_function(self):
		self.assert_red(
			"core/pull.py",
			"""
			def pull():
				from biometric_integration.bridge.store import SqliteStore
			""",
			"core/pull.py:3",
			"core stands below bridge",
		)

	def test_an_import_upwards_for_types_only(self):
		self.assert_red(
			"sync/records/staging.py",
			"""
			from typing import TYPE_CHECKING
			if TYPE_CHECKING:
				from biometric_integration.sync.process.sweep import Sweep
			""",
			"sync/records stands below sync/process",
		)

	def test_a_relative_import_upwards(self):
		self.assert_red(
			"sync/hrms/shifts.py", "from ..desk import ask", "imports biometric_integration.sync.desk.ask"
		)
		self.assert_red("connectors/soap.py", "from ..sync.db import sql", "connectors stands below sync/db")

	def test_a_job_that_is_called_by_its_name(self):
		self.assert_red(
			"sync/records/servers.py",
			"import frappe\nfrappe.enqueue('biometric_integration.sync.jobs.process')",
			"imports biometric_integration.sync.jobs.process",
		)
		self.assert_red(
			"core/pull.py",
			"import importlib\nimportlib.import_module('biometric_integration.bridge.cli')",
			"core stands below bridge",
		)
		self.assert_red("core/pull.py", "__import__('frappe')", "imports frappe")

	def test_frappe_where_there_may_be_none(self):
		for path in ("core/pull.py", "connectors/page.py", "bridge/store.py", "simulator/world.py"):
			for source in ("import frappe", "import frappe.utils as u", "from frappe.utils import cint"):
				with self.subTest(path=path, source=source):
					self.assert_red(path, source, f"{path}:1 imports frappe", "only sync, entry points may")

	def test_a_package_where_it_has_no_place(self):
		for path, source in {
			"core/window.py": "import requests",
			"core/stream.py": "from dateutil.relativedelta import relativedelta",
			"connectors/etimetracklite.py": "from dateutil import parser",
			"connectors/ebioserver.py": "import requests",
			"sync/desk/connection.py": "from requests.adapters import HTTPAdapter",
			"bridge/cli.py": "import tenacity",
			"simulator/port.py": "import urllib3",
			"sync/process/checkins.py": "from hrms.hr.utils import get_holidays",
			"api.py": "import hrms",
			"sync/jobs.py": "from rq.timeouts import JobTimeoutException",
		}.items():
			with self.subTest(path=path):
				self.assert_red(path, source, f"{path}:1 imports", "only", "may.")

	def test_a_part_of_a_package_that_nobody_needs(self):
		self.assert_red("sync/store.py", "from rq import Queue", "only rq.timeouts is used")
		self.assert_red(
			"core/window.py", "import dateutil", "only dateutil.parser, dateutil.relativedelta is used"
		)

	def test_a_package_that_nobody_may_import(self):
		self.assert_red("sync/desk/ask.py", "import erpnext", "nobody may")
		self.assert_red("bridge/export.py", "import pandas as pd", "nobody may")

	def test_a_host_that_knows_a_server_type(self):
		for path in ("sync/records/servers.py", "sync/workdays/attendance.py", "bridge/cli.py"):
			with self.subTest(path=path):
				self.assert_red(
					path,
					"from biometric_integration.connectors.ebioserver import EBioServer",
					"from connectors only connectors/registry.py",
				)

	def test_a_server_type_that_knows_another_one(self):
		self.assert_red(
			"connectors/biotime.py",
			"from biometric_integration.connectors.ebioserver import parse_row",
			"server types know nothing of each other",
		)

	def test_a_simulator_that_knows_the_app(self):
		self.assert_red(
			"simulator/world.py",
			"from biometric_integration.core.punch import Direction",
			"simulator may import none of the other rooms",
		)

	def test_the_two_hosts_know_nothing_of_each_other(self):
		self.assert_red("bridge/store.py", "from biometric_integration.sync.db import sql", "and not sync/db")
		self.assert_red("sync/store.py", "from biometric_integration.bridge import locks", "and not bridge")

	def test_an_entry_point_that_goes_round_the_host(self):
		for path in ("api.py", "tasks.py", f"{APP}/doctype/biometric_device/biometric_device.py"):
			with self.subTest(path=path):
				self.assert_red(
					path,
					"from biometric_integration.connectors.registry import connect",
					"entry points may import core, sync, and not connectors",
				)

	def test_a_host_that_calls_an_entry_point(self):
		self.assert_red("sync/desk/ask.py", "from biometric_integration import api", "below entry points")

	def test_an_old_path_that_is_still_used(self):
		self.assert_red("tasks.py", "from biometric_integration.sync import period", "and not old paths")

	def test_a_room_that_nobody_listed(self):
		for path in ("senders/adms.py", "core/deep/inside.py", "sync/extra.py", "helpers.py"):
			with self.subTest(path=path):
				self.assert_red(path, "import json", f"{path}: this place is in no room")

	def test_an_import_from_a_room_that_nobody_listed(self):
		self.assert_red(
			"sync/jobs.py", "from biometric_integration.senders import adms", "that is in no room"
		)
		self.assert_red(
			"sync/jobs.py", "from biometric_integration.tests import factories", "that is in no room"
		)

	def test_a_circle_in_a_room(self):
		for room in ("core", "simulator", "bridge", "sync/process"):
			with self.subTest(room=room):
				name = f"{APP}.{room.replace('/', '.')}"
				self.assert_red(
					f"{room}/__init__.py",
					"",
					f"{room}/one.py → {room}/two.py → {room}/three.py → {room}/one.py: a circle",
					beside={
						f"{room}/one.py": "from . import two",
						f"{room}/two.py": f"from {name}.three import three",
						f"{room}/three.py": f"def three():\n\timport {name}.one",
					},
				)

	def test_a_circle_through_the_front_of_a_room(self):
		self.assert_red(
			"simulator/__init__.py",
			"from .world import World",
			"simulator/__init__.py → simulator/world.py → simulator/__init__.py: a circle",
			beside={"simulator/world.py": "from biometric_integration.simulator import World"},
		)

	def test_what_is_right_is_green(self):
		self.assert_green("core/pull.py", "import json\nfrom biometric_integration.core.punch import Punch")
		self.assert_green("bridge/cli.py", "from biometric_integration import __version__")
		self.assert_green("bridge/demo.py", "from biometric_integration.simulator import World")
		self.assert_green("api.py", "import frappe\nfrom biometric_integration.sync.desk import ask")
		self.assert_green("hooks.py", "after_install = 'biometric_integration.install.complete'")
		self.assert_green("hooks.py", "app_include_js = 'biometric_integration.bundle.js'")
		self.assert_green(
			"sync/hrms/shifts.py", "from hrms.hr.doctype.employee_checkin import employee_checkin"
		)
		self.assert_green(
			"simulator/__init__.py", "from .world import World", {"simulator/world.py": "import json"}
		)
