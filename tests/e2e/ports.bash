# For sourcing: base_port, the first of 200 ports that are the script's own while it and what it has started live.
# Below those that the kernel gives to outgoing connections (32768 and up), which would take one now and then, and
# below the README's (26257).
for ports_slot in {0..79}; do
  ports_slot=$(((ports_slot + $$) % 80))
  exec {ports_lock}>"${TMPDIR:-/tmp}/quorate-ports-$ports_slot" && flock -n "$ports_lock" && break
done
base_port=$((10000 + ports_slot * 200))
