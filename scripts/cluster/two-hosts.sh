#!/bin/sh
# Trains on two hosts that ssh reaches without a password: two-hosts.sh HOST_A HOST_B RANKS_PER_HOST [OPTIONS OF gnr train].
# Run it on HOST_A in the folder of the program, which has the same path on both, with the same version and set-up. NETWORK=
# 10.0.0.0/24 names the network between the hosts, if they have several. Ctrl-C leaves a checkpoint.
set -eu

if [ $# -lt 3 ]; then
  echo "usage: $0 HOST_A HOST_B RANKS_PER_HOST [OPTIONS OF gnr train]" >&2
  exit 2
fi
host_a=$1 host_b=$2 per_host=$3
shift 3

if [ -n "${NETWORK:-}" ]; then
  export OMPI_MCA_oob_tcp_if_include="$NETWORK" OMPI_MCA_btl_tcp_if_include="$NETWORK"
fi

exec "$(dirname "$0")/mpirun.sh" --host "$host_a:$per_host,$host_b:$per_host" -n $((2 * per_host)) --bind-to none \
  npx gnr train "$@"
