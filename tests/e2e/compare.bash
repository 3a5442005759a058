# For sourcing after cluster.bash: comparing what a script printed with what PostgreSQL printed.
#   fresh_node         one node with nothing in it; one script's tables are not the next one's business
#   compare DIR/NAME   $cluster_dir/NAME.got against DIR/NAME.out, patched with DIR/NAME.differs where
#                      that exists; sets failed=1 and shows the difference
failed=0
fresh_node() {
  cluster_remove
  node_pid=()
  cluster_dir=$(mktemp -d)
  cluster_start
}
compare() {
  local name=${1##*/} at=$cluster_dir
  cp "$1.out" "$at/$name.expected"
  [ ! -e "$1.differs" ] || patch -s "$at/$name.expected" "$1.differs" || failed=1
  if diff -U2 --label PostgreSQL --label Quorate "$at/$name.expected" "$at/$name.got" >"$at/$name.diff"; then
    echo "$name: as PostgreSQL"
  else
    echo "$name: differs"
    head -"${LINES_SHOWN:-60}" "$at/$name.diff"
    failed=1
  fi
  [ -z "${KEEP:-}" ] || cp "$at/$name".{got,expected,diff} "$KEEP"
}
