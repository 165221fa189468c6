"""Passes TCP connections on: `python relay.py ADDRESS PORT TO_ADDRESS TO_PORT`.

A host of its own reaches the simulator by its own loopback address, since plain http is refused to any other.
"""

import asyncio
import sys
from contextlib import suppress


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _relay(address: str, port: int, to_address: str, to_port: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(to_address, to_port)
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    server = await asyncio.start_server(serve, address, port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_relay(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
