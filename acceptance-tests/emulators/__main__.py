"""`python -m emulators close --port 0`: serve, and print one JSON line when ready."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import orjson

from emulators.app import VendorApp
from emulators.close.app import CloseApp
from emulators.close.settings import CloseOptions
from emulators.kustomer.app import KustomerApp
from emulators.kustomer.settings import KustomerOptions
from emulators.options import Options, parser_for
from emulators.outreach.app import OutreachApp
from emulators.outreach.settings import OutreachOptions
from emulators.persistiq.app import PersistiqApp
from emulators.persistiq.settings import PersistiqOptions
from emulators.server import HttpConnection

EMULATORS: dict[str, tuple[type[Options], Callable[[Any], VendorApp]]] = {
    "close": (CloseOptions, CloseApp),
    "persistiq": (PersistiqOptions, PersistiqApp),
    "kustomer": (KustomerOptions, KustomerApp),
    "outreach": (OutreachOptions, OutreachApp),
}


def main(arguments: list[str]) -> int:
    """Run the emulator that the first argument names."""
    if not arguments or arguments[0] not in EMULATORS:
        print(f"usage: python -m emulators {{{','.join(EMULATORS)}}} [--help]", file=sys.stderr)
        return 2
    kind, make = EMULATORS[arguments[0]]
    flags = vars(parser_for(kind, f"emulators {arguments[0]}").parse_args(arguments[1:]))
    until_stdin_closes = flags.pop("until_stdin_closes")
    gc.disable()
    app = make(kind(**flags))
    gc.freeze()
    gc.enable()
    asyncio.run(serve(app, until_stdin_closes=until_stdin_closes))
    return 0


async def serve(app: VendorApp, *, until_stdin_closes: bool = False) -> None:
    """Serve `app` until a signal comes, or standard input closes."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    options = app.options
    server = await loop.create_server(
        lambda: HttpConnection(app.answer, app.sent), options.host, options.port, backlog=512
    )
    port = server.sockets[0].getsockname()[1]
    host = options.advertise or ("127.0.0.1" if options.host == "0.0.0.0" else options.host)
    origin = f"http://{host}:{port}"
    ready = {"url": origin} | app.ready(origin) | {"pid": os.getpid()}
    sys.stdout.buffer.write(orjson.dumps(ready) + b"\n")
    sys.stdout.buffer.flush()
    if until_stdin_closes:
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        closing = loop.create_task(reader.read())
        closing.add_done_callback(lambda _: stopped.set())
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
