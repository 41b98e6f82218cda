# Fault: an asyncio server keeps the writers of all its clients for broadcasts and never closes one.
# The doctor says: close-wait-leak, eof-ignored.
import asyncio
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

writers = set()


async def handle(reader, writer):
    writers.add(writer)
    while await reader.read(1024):
        pass
    if HEALTHY:
        writers.discard(writer)
        writer.close()


async def main():
    server = await asyncio.start_server(handle, '', PORT)
    print('ready', PORT, flush=True)
    await server.serve_forever()


asyncio.run(main())
