#!/bin/sh
# Runs a command on a host of run.mjs: enter.sh ADDRESS COMMAND... mpirun calls it in place of ssh.
address=$1
shift
case $address in
  10.77.0.1) host=host-a ;;
  10.77.0.2) host=host-b ;;
  *) echo "enter.sh: no host has the address $address" >&2; exit 2 ;;
esac
# As ssh does, the words are joined and a shell reads them.
exec nsenter --net="/run/netns/gnr-$host" unshare --uts sh -c "hostname $host; $*"
