"""The least that an HTTP server of our kind can do: Litestar says hello, on uvicorn as `zgoda serve` runs it."""

import asyncio
import gc
import socket

import uvicorn
from litestar import Litestar, get


@get("/", sync_to_thread=False)
def hello() -> dict[str, str]:
    """One small JSON object."""
    return {"hello": "world"}


async def _serve(listener: socket.socket) -> None:
    app = Litestar([hello], openapi_config=None, logging_config=None)
    config = uvicorn.Config(
        app, http="httptools", access_log=False, log_config=None, server_header=False, proxy_headers=False
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    print(f"Hello at http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


def main() -> None:
    """`python -m tests.benchmarks.hello`: prints its address and serves until it is told to stop."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(listener))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(listener))


if __name__ == "__main__":
    main()
