#!/usr/bin/env bash
# Runs a command with a private cluster of Debian's PostgreSQL 15 in ZGODA_TEST_DATABASE_URL.
set -euo pipefail
programs=${POSTGRES_BIN:-/usr/lib/postgresql/15/bin}
[ -x "$programs/initdb" ] || { echo "PostgreSQL 15 is missing: apt-get install postgresql-15" >&2; exit 1; }

folder=$(mktemp -d /tmp/zgoda-pg15-XXXXXX)
as_server() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  chown nobody "$folder"
  as_server() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
fi
stop() {
  as_server "$programs/pg_ctl" stop -D "$folder/data" -m immediate -s || true
  rm -rf "$folder"
}
trap stop EXIT

cd /
as_server "$programs/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
cat >"$folder/settings" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$folder'
max_connections = 200
max_locks_per_transaction = 256
shared_buffers = 256MB
fsync = off
full_page_writes = off
synchronous_commit = off
log_error_verbosity = terse
log_parameter_max_length_on_error = 0
SETTINGS
cat "$folder/settings" >>"$folder/data/postgresql.conf"
as_server "$programs/pg_ctl" start -D "$folder/data" -w -t 60 -s -l "$folder/server.log" </dev/null >/dev/null 2>&1
cd "$OLDPWD"
export ZGODA_TEST_DATABASE_URL="postgresql://postgres@/postgres?host=$folder"
"$@"
