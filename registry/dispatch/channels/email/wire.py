"""A connection that ends at once: of a mail that is half out, not one byte more leaves.

A connection that ends politely sends what is left of the mail first, the final dot with it; and so does the system
for a process that was killed. By then the locks are gone, and somebody may have been told "no more".
"""

import asyncio
import socket
import struct
from typing import Any, cast

import aiosmtplib

# On, for no time: whoever closes the socket, the system throws away what it has not sent, and resets.
_AT_ONCE = struct.pack("ii", 1, 0)


class Wire(aiosmtplib.SMTP):
    """An SMTP connection that is cut off, and never drained, whoever ends it and for what reason.

    After QUIT nothing is under way, so to cut off loses nothing then.
    """

    async def connect(self, **options: Any) -> aiosmtplib.SMTPResponse:
        """As aiosmtplib's, and from here on the system sends nothing for a connection that has ended."""
        answer = await super().connect(**options)
        self.get_transport_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        return answer

    def close(self) -> None:
        """End the connection. The socket is closed in the loop's next turn: `cut` waits for that."""
        # One that is closing already still sends what is left: the other end may have hung up meanwhile.
        transport = cast(asyncio.WriteTransport | None, self.transport)
        if transport is not None:
            transport.abort()
        super().close()

    async def cut(self) -> None:
        """End the connection; when this returns nothing more of it is sent, also where the caller is cancelled."""
        self.close()
        await asyncio.sleep(0)
