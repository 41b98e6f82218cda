# Fault: the writers are kept and never closed.
import asyncio

kept = []


async def handle(reader, writer):
    kept.append(writer)
    await asyncio.sleep(3600)


async def main():
    server = await asyncio.start_server(handle, '127.0.0.1', 0)  # made here
    port = server.sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.close()
    await asyncio.sleep(1.5)


asyncio.run(main())
