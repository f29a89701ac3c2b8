"""`zgoda serve` and `zgoda worker`: one process each, that starts whole, says so, and stops clean."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click
import psycopg

from registry import worker as work
from registry.access import service as access
from registry.access.workspace import Workspace
from registry.dispatch import handoff
from registry.exchange import list_states
from registry.kit import postgres
from registry.kit.caller import OPERATOR, Caller
from registry.kit.config import Settings
from registry.kit.errors import Misuse, Refused
from registry.kit.logging import log
from registry.kit.terminal import terminal_of
from registry.opening import opened
from registry.policy import in_force

if TYPE_CHECKING:
    import uvicorn

# Streams of a bulk list may be long; a supervisor kills after some 30 s.
GRACE_SECONDS = 10
# How long a process may go by policies that are in force no more; what it writes is refused at once.
POLICY_SECONDS = 1.0
_SERVE = log("serve")
_CALLER = Caller(OPERATOR, reason="policies in force")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535))
@click.option("--smtp", help="The mail relay, as smtp://host:port; also by ZGODA_SMTP.")
@click.option("--no-worker", is_flag=True, help="Answer requests only; `zgoda worker` seals and sends.")
@click.option("--new-admin-key", is_flag=True, help="Make an admin key and print it once the server answers.")
@click.pass_context
def serve(
    ctx: click.Context, host: str, port: int, smtp: str | None, no_worker: bool, new_admin_key: bool
) -> None:
    """Serve the API, the persons' pages and the audit log, and send what is due."""
    terminal = terminal_of(ctx)
    settings = chosen(terminal.settings, smtp)
    with postgres.serving(settings.data):
        listener = listen(host, port)
        address = f"http://{host}:{listener.getsockname()[1]}"
        if "base_url" not in settings.model_fields_set:
            # Links in mails that a command queues lead here too (`Settings.addressed`).
            settings = settings.model_copy(update={"base_url": address})

        async def body(stop: asyncio.Event) -> None:
            lines = [f"Zgoda answers at {address}"]
            while not stop.is_set():
                async with opened(settings) as workspace:
                    settings.address_file.touch(mode=0o600)
                    settings.address_file.write_text(address)
                    if new_admin_key and lines:
                        async with workspace.database.begin(terminal.caller()) as session:
                            _, key = await access.create_key(session, workspace.ring, "admin", "zgoda serve")
                        lines.append(f"Admin key, shown this once: {key}")
                    # Whoever asks while the policies are read anew waits at the listener, which stays open.
                    await _serve(workspace, listener.dup(), lines, stop, with_worker=not no_worker)
                    lines = []

        run_until_signal(body)


@click.command()
@click.option("--smtp", help="The mail relay, as smtp://host:port; also by ZGODA_SMTP.")
@click.pass_context
def worker(ctx: click.Context, smtp: str | None) -> None:
    """Seal the audit log and send what is due, without answering requests."""
    terminal = terminal_of(ctx)
    settings = chosen(terminal.settings, smtp)
    run_until_signal(lambda stop: _work(settings, stop))


def chosen(settings: Settings, smtp: str | None) -> Settings:
    """Settings with what the command line says above them."""
    update: dict[str, object] = {}
    if smtp is not None:
        update["smtp"] = smtp
    made = settings.model_copy(update=update)
    if made.smtp is not None and not made.smtp.startswith(("smtp://", "smtps://")):
        raise Misuse("smtp.invalid", "The mail relay is given as smtp://host:port.", field="--smtp")
    if made.smtp is not None:
        handoff.transport(
            "email", made.smtp, 1
        )  # a port that cannot be is refused here and not by the worker
    return made


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises Refused `serve.address_taken`, before anything else was started."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise Refused(
            "serve.address_taken",
            f"Cannot listen on {host}:{port}: {os.strerror(error.errno) if error.errno else 'no such address'}.",
            mend="choose another --host or --port",
        ) from None


def run_until_signal(body: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `body(stop)`; SIGTERM or SIGINT sets `stop`, a second one cancels. Returns after a clean stop."""
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop

        loop_factory = uvloop.new_event_loop
    except ImportError:
        pass  # not on every platform; asyncio's own loop serves as well, only slower

    async def supervised() -> None:
        stop = asyncio.Event()
        task = asyncio.ensure_future(body(stop))

        def end() -> None:
            if stop.is_set():
                task.cancel()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end)
        try:
            await task
        except asyncio.CancelledError:
            _SERVE.warning("stop.forced")

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(supervised())


async def _serve(
    workspace: Workspace, listener: socket.socket, lines: list[str], stop: asyncio.Event, *, with_worker: bool
) -> None:
    import uvicorn

    from registry.app import create_app

    class Server(uvicorn.Server):
        """uvicorn raises the signal again after a clean stop and would exit with 143; the signals are ours."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    leave = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_watch(workspace, stop, leave))
        server = Server(
            uvicorn.Config(
                create_app(workspace),
                http="httptools",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        _start_beside(group, workspace, leave, with_worker=with_worker)
        group.create_task(_tell(server, lines, leave))
        # What start-up made stays; collecting it over and over took p99 from 7 to 47 ms.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        await server.serve(sockets=[listener])
        if not leave.is_set():
            stop.set()  # it ended by itself
        leave.set()
        if not server.started:
            raise Refused("serve.not_started", "The application did not start.", mend="see the log above")
    _SERVE.info("serve.stopped")


async def _work(settings: Settings, stop: asyncio.Event) -> None:
    while not stop.is_set():
        leave = asyncio.Event()
        async with opened(settings) as workspace, asyncio.TaskGroup() as group:
            group.create_task(_watch(workspace, stop, leave))
            _start_beside(group, workspace, leave, with_worker=True)
            _SERVE.info("worker.started")
            await leave.wait()
    _SERVE.info("worker.stopped")


async def _watch(workspace: Workspace, stop: asyncio.Event, leave: asyncio.Event) -> None:
    """Set `leave` when the process is to stop, or when other policies are in force than this opening read."""
    while not leave.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLICY_SECONDS)
        if stop.is_set():
            leave.set()
            return
        try:
            async with workspace.database.begin(_CALLER) as session:
                changed = await in_force.number(session) != workspace.policies.number
        except (psycopg.Error, Refused):
            continue  # `/readyz` tells of a database that does not answer
        if changed:
            _SERVE.info("policy.reading_anew")
            leave.set()


def _start_beside(
    group: asyncio.TaskGroup, workspace: Workspace, stop: asyncio.Event, *, with_worker: bool
) -> None:
    if workspace.settings.embedded:
        group.create_task(postgres.keep_running(workspace.settings.data, stop))
    group.create_task(list_states.keep_fresh(workspace, stop))
    if with_worker:
        group.create_task(work.run(workspace, stop))


async def _tell(server: "uvicorn.Server", lines: list[str], stop: asyncio.Event) -> None:
    """Say where it listens once it does, and pass the wish to leave on to uvicorn."""
    while not server.started and not stop.is_set():
        await asyncio.sleep(0.01)
    if server.started:
        _SERVE.info("serve.started")
        for line in lines:
            click.echo(line)
    await stop.wait()
    server.should_exit = True
