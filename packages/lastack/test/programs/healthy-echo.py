# Fault: none. An asyncio server that echoes and closes with its clients. The doctor says nothing.
import asyncio
import sys

PORT = int(sys.argv[1])


async def handle(reader, writer):
    while data := await reader.read(1024):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(handle, '', PORT, backlog=4096)
    print('ready', PORT, flush=True)
    await server.serve_forever()


asyncio.run(main())
