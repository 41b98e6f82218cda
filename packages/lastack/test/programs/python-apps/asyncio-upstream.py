# Fault: a proxy awaits its upstream's answer without a time-out, while its own client has long gone.
# Arguments: UPSTREAM_PORT
import asyncio
import sys


async def ask(request):
    reader, writer = await asyncio.open_connection('127.0.0.1', int(sys.argv[1]))
    writer.write(request)
    answer = await reader.readline()
    writer.close()
    return answer


async def handle(reader, writer):  # handled here
    request = await reader.readline()
    writer.write(await ask(request))  # held here
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(handle, '127.0.0.1', 0)
    print('ready', server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
