"""Simulated machines for pytest-xdist: execnet socket servers on this machine, each
with its own folder.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["machines"]

#: Like ``python -m execnet.script.socketserver``, on any free port.
_SERVER = """
from execnet.gateway_base import get_execmodel
from execnet.script import socketserver

socketserver.execmodel = get_execmodel("thread")
listens = socketserver.bind_and_listen(("127.0.0.1", 0), socketserver.execmodel)
print(listens.getsockname()[1], flush=True)
socketserver.startserver(listens, loop=True)
"""


@contextmanager
def machines(*folders: Path) -> Iterator[list[str]]:
    """Start one socket server per folder.

    Yields:
        The pytest options that use the servers. The file ``port`` in each folder has
            the
        port of its server; its connections close when that server is lost.
    """
    with ExitStack() as running:
        specs = []
        for folder in folders:
            server = running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _SERVER],
                    cwd=folder,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            running.callback(server.kill)
            assert server.stdout is not None
            port = int(server.stdout.readline())
            (folder / "port").write_text(str(port))
            specs.append(f"--tx=socket=127.0.0.1:{port}//chdir={folder}")
        yield ["--dist=load", *specs]
