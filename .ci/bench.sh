# A bench for tests, and a fresh site on it. Sourced by the scripts beside it, which set `app_dir` and `site` before.
bench_dir=${BENCH_DIR:-$HOME/frappe-bench}

need_bench() { # where there is no bench, say loudly what did not run, and end well
	[ -d "$bench_dir/sites" ] && return
	echo "!!!!!! NO BENCH AT $bench_dir: $1 DID NOT RUN (set BENCH_DIR to a bench with frappe, erpnext and hrms) !!!!!!"
	exit 0
}
setting() { # a value of the bench's common site config, or the default
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], sys.argv[3]))' \
		"$bench_dir/sites/common_site_config.json" "$1" "$2"
}

database_answers() { mysqladmin -h"$db_host" -uroot -p"$db_password" ping >/dev/null 2>&1; }
start_database() {
	db_host=$(setting db_host 127.0.0.1)
	db_password=${DB_ROOT_PASSWORD:-$(setting root_password root)}
	database_answers && return
	echo "Starting MariaDB"
	service mariadb start >/dev/null 2>&1 || (mysqld_safe >/dev/null 2>&1 &)
	for _ in $(seq 60); do database_answers && return; sleep 1; done
	echo "MariaDB at $db_host does not answer" >&2
	return 1
}
start_redis() {
	local port
	port=$(awk '$1 == "port" {print $2}' "$1")
	redis-cli -h 127.0.0.1 -p "$port" ping >/dev/null 2>&1 && return
	echo "Starting Redis on port $port"
	(cd "$bench_dir" && redis-server "$1" --bind 127.0.0.1 --daemonize yes >/dev/null)
}
link_app() { # the bench tests this very folder
	local link=$bench_dir/apps/biometric_integration
	[ "$(readlink -f "$link")" = "$app_dir" ] || ln -sfn "$app_dir" "$link"
	"$bench_dir/env/bin/python" -m pip install --quiet --disable-pip-version-check -e "$app_dir[test]"
	grep -qx biometric_integration "$bench_dir/sites/apps.txt" || echo biometric_integration >>"$bench_dir/sites/apps.txt"
	[ -e "$bench_dir/sites/assets/biometric_integration" ] ||
		ln -sfn "$app_dir/biometric_integration/public" "$bench_dir/sites/assets/biometric_integration"
}
make_site() {
	bench new-site "$site" --force --db-root-password "$db_password" --admin-password admin \
		--install-app erpnext --install-app hrms --install-app biometric_integration >/dev/null
	bench --site "$site" set-config allow_tests true >/dev/null
}
drop_site() { bench drop-site "$site" --force --no-backup --db-root-password "$db_password" >/dev/null 2>&1 || true; }
start_bench() { # database and Redis run, and the bench knows this app
	start_database
	for conf in "$bench_dir"/config/redis_*.conf; do start_redis "$conf"; done
	link_app
}
