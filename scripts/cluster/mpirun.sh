#!/bin/sh
# Starts mpirun for training: mpirun.sh OPTIONS OF mpirun npx gnr train OPTIONS. Ctrl-C, SIGTERM and a closed terminal leave a
# checkpoint, and mpirun ends by itself if it loses a host.
set -eu

# mpirun looks whether a silent host is there after 30 seconds, and gives it up after three more looks. By default that takes
# 8 minutes, and does not work once the ranks have ended: keep it shorter than distributed.timeoutSeconds.
export OMPI_MCA_oob_tcp_keepalive_time="${OMPI_MCA_oob_tcp_keepalive_time:-30}"
export OMPI_MCA_oob_tcp_keepalive_intvl="${OMPI_MCA_oob_tcp_keepalive_intvl:-10}"
export OMPI_MCA_oob_tcp_keepalive_probes="${OMPI_MCA_oob_tcp_keepalive_probes:-3}"

# Set before mpirun starts, so that no signal comes too early.
trap 'kill -USR1 $!' INT TERM HUP
# In a session of its own, mpirun gets no Ctrl-C: on that it would kill the ranks before their checkpoint is complete.
setsid mpirun "$@" &
mpirun=$!

# A signal ends `wait`, though mpirun still writes its checkpoint.
while :; do
  code=0
  wait $mpirun || code=$?
  kill -0 $mpirun 2>/dev/null || exit $code
done
