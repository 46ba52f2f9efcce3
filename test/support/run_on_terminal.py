"""Runs a command on a terminal of its own, closes the terminal on SIGTERM, and prints the command's exit code.

    python3 run_on_terminal.py COMMAND...
"""

import os
import pty
import signal
import sys


class Closed(Exception):
    pass


def close(*_):
    raise Closed


pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGTERM, close)
status = None
try:
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        # The command has ended, or has other streams now (nohup).
        pass
    _, status = os.waitpid(pid, 0)
except Closed:
    os.close(terminal)
if status is None:
    _, status = os.waitpid(pid, 0)
# Negative for a signal.
print(os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status))
