# Fault: the handler answers, returns, and forgets to close its writer.
import asyncio


async def handle(reader, writer):  # handled here
    request = await reader.readline()
    writer.write(request.upper())
    await writer.drain()


async def main():
    server = await asyncio.start_server(handle, '127.0.0.1', 0)
    print('ready', server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
