# For sourcing: base_port, the first of 200 ports of the script's own. Below those that the kernel gives to
# outgoing connections (32768 and up), which would take one of them now and then, and below the README's (26257).
base_port=$((10000 + $$ % 80 * 200))
