# A bench for tests, and a fresh site on it. Sourced by the scripts beside it, which set `app_dir` and `site` before.
export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)} # a container may have none, and `bench` wants one
bench_dir=${BENCH_DIR:-$HOME/frappe-bench}

need_bench() { # where there is no bench, say loudly what did not run, and end well
	[ -d "$bench_dir/sites" ] && return
	echo "!!!!!! NO BENCH AT $bench_dir: $1 DID NOT RUN (set BENCH_DIR to a bench with frappe, erpnext and hrms) !!!!!!"
	exit 0
}
step() { # step NAME COMMAND…: its output is shown only where it fails; a function says `|| return` where it may, since -e is off in it
	local name=$1 log status=0
	shift
	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	[ "$status" -eq 0 ] || { echo "FAILED: $name" && tail -n 40 "$log"; } >&2
	rm -f "$log"
	return "$status"
}
setting() { # a value of the bench's common site config, or the default
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], sys.argv[3]))' \
		"$bench_dir/sites/common_site_config.json" "$1" "$2"
}
answers() { # answers SECONDS COMMAND…: asks until it succeeds
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { echo "No answer to: $1" >&2 && return 1; }
		sleep 0.2
	done
}

database_answers() { mysqladmin --no-defaults -h"$db_host" -P"$db_port" -uroot -p"$db_password" ping; }
start_database() {
	db_host=$(setting db_host 127.0.0.1)
	db_port=$(setting db_port 3306)
	db_password=${DB_ROOT_PASSWORD:-$(setting root_password root)}
	answers 0 database_answers && return
	service mariadb start >/dev/null 2>&1 || (mysqld_safe >/dev/null 2>&1 &)
	answers 60 database_answers
}
redis_answers() { redis-cli -h 127.0.0.1 -p "$1" ping; }
start_redis() { # the one at a URL of the common site config
	local port=${1##*:}
	port=${port%%/*}
	answers 0 redis_answers "$port" && return
	redis-server --bind 127.0.0.1 --port "$port" --save "" --daemonize yes || return
	answers 10 redis_answers "$port"
}
link_app() { # the bench tests this very folder
	local link=$bench_dir/apps/biometric_integration
	[ "$(readlink -f "$link")" = "$app_dir" ] || ln -sfn "$app_dir" "$link"
	"$bench_dir/env/bin/python" -m pip install --quiet --disable-pip-version-check -e "$app_dir[site-test]" || return
	grep -qx biometric_integration "$bench_dir/sites/apps.txt" || echo biometric_integration >>"$bench_dir/sites/apps.txt"
	[ "$(readlink -f "$bench_dir/sites/assets/biometric_integration")" = "$app_dir/biometric_integration/public" ] ||
		ln -sfn "$app_dir/biometric_integration/public" "$bench_dir/sites/assets/biometric_integration"
}
make_site_without() { # the app
	step "making the site $site with erpnext and hrms" bench new-site "$site" --force --db-root-password "$db_password" \
		--admin-password admin --install-app erpnext --install-app hrms
}
make_site() { # in two steps: where the second fails it is ours
	make_site_without
	step "installing the app on $site" bench --site "$site" install-app biometric_integration
	step "allowing tests on $site" bench --site "$site" set-config allow_tests true
}
drop_site() { bench drop-site "$site" --force --no-backup --db-root-password "$db_password" >/dev/null 2>&1 || true; }
start_bench() { # database and Redis run, and the bench knows this app
	step "starting MariaDB" start_database
	step "starting the cache" start_redis "$(setting redis_cache redis://127.0.0.1:13000)"
	step "starting the queue" start_redis "$(setting redis_queue redis://127.0.0.1:11000)"
	step "linking the app into $bench_dir" link_app
}
