# For sourcing: real nodes as processes, stopped and removed when the script ends.
#   node_start N     starts node N with the same command each time, in the background
#   node_kill N      kill -9
#   sql N "TEXT"     runs statements through node N with psql, unaligned, tuples only
#   insist N "TEXT"  sql, again while a range has no leaseholder, where QUORATE_SLOWER lets a failover take longer
#   wait_sql N       until node N answers
#   within N         N times QUORATE_SLOWER: seconds that a build with a sanitizer may take where others take N
# A sanitizer's report in a node's log fails the script, whatever else it found.
quorate=${QUORATE_BUILD_DIR:-$(cd ../.. && pwd)/build}/quorate
[ -x "$quorate" ] || { echo "skipped: $quorate is not built"; exit 77; }
command -v psql >/dev/null || { echo "skipped: no psql on this machine"; exit 77; }
cluster_dir=$(mktemp -d)
source "${BASH_SOURCE%/*}/ports.bash"
declare -A node_pid
nodes=${NODES:-3}
slower=${QUORATE_SLOWER:-1}
within() { echo $(($1 * slower)); }
sql_port() { echo $((base_port + $1)); }
rpc_port() { echo $((base_port + 100 + $1)); }
join_list() { local i l=; for i in $(seq "$nodes"); do l+="${l:+,}127.0.0.1:$(rpc_port "$i")"; done; echo "$l"; }
node_start() {
  local how=(--join "$(join_list)")
  [ "$nodes" -gt 1 ] || how=(--single)
  "$quorate" start --data "$cluster_dir/n$1" --sql "127.0.0.1:$(sql_port "$1")" --rpc "127.0.0.1:$(rpc_port "$1")" \
    "${how[@]}" >>"$cluster_dir/n$1.log" 2>&1 &
  node_pid[$1]=$!
}
node_kill() { kill -9 "${node_pid[$1]}" 2>/dev/null; wait "${node_pid[$1]}" 2>/dev/null; }
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(sql_port "$1")" -U postgres -d postgres -c "$2" 2>&1; }
insist() {
  local i out
  for i in $(seq "$slower"); do
    out=$(sql "$1" "$2")
    case "$out" in *"is not available: it has no leaseholder"*) ;; *) break ;; esac
  done
  echo "$out"
}
wait_sql() {
  local i
  for i in $(seq "$(within 300)"); do
    [ "$(sql "$1" 'SELECT 1')" = 1 ] && return 0
    sleep 0.1
  done
  fail "node $1 does not answer"
}
cluster_start() {
  local i
  for i in $(seq "$nodes"); do node_start "$i"; done
  if [ "$nodes" -gt 1 ]; then
    for i in $(seq "$(within 100)"); do "$quorate" init --rpc "127.0.0.1:$(rpc_port 1)" >/dev/null 2>&1 && break; sleep 0.1; done
  fi
  for i in $(seq "$nodes"); do wait_sql "$i"; done
}
wait_replicated() {
  local i
  for i in $(seq "$(within 300)"); do
    [ "$(sql 1 "SELECT count(*) FROM quorate.ranges WHERE array_length(replicas, 1) < $nodes")" = 0 ] && return 0
    sleep 0.1
  done
  fail "not every range is on $nodes nodes"
}
fail() {
  echo "FAILED: $*"
  for log in "$cluster_dir"/*.log; do echo "--- $log"; tail -15 "$log"; done
  exit 1
}
expect() { [ "$1" = "$2" ] || fail "${3:-}: expected \"$2\", got \"$1\""; }
cluster_remove() {
  local pid
  for pid in "${node_pid[@]}"; do kill -9 "$pid" 2>/dev/null; done
  wait 2>/dev/null
  if grep -hE -A40 '(ERROR|WARNING): [A-Za-z]*Sanitizer|: runtime error: ' "$cluster_dir"/*.log 2>/dev/null; then
    echo "FAILED: a sanitizer's report"
    rm -rf "$cluster_dir"
    exit 1
  fi
  rm -rf "$cluster_dir"
}
trap cluster_remove EXIT
