"""Runs a command with a descriptor as its last argument, and writes to the other end once the
command watches it. Prints the command's answer.

Arguments: eventfd, pipe or socketpair; the command.
"""

import os
import socket
import subprocess
import sys

kind, *command = sys.argv[1:]
if kind == "eventfd":
    read_fd = write_fd = os.eventfd(0)
elif kind == "pipe":
    read_fd, write_fd = os.pipe()
else:
    read_fd, write_fd = (end.detach() for end in socket.socketpair())
os.set_blocking(read_fd, False)
child = subprocess.Popen(
    [*command, str(read_fd)],
    pass_fds=[read_fd],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
)
answer = child.stdout.readline()
if answer == "watching\n":
    os.write(write_fd, (1).to_bytes(8, "little"))
    child.stdin.write("written\n")
    child.stdin.flush()
    answer = child.stdout.readline()
print(answer, end="")
