# Fault: a protocol that answers True to the end of the stream has to close its transport itself, and does not.
import asyncio


class Echo(asyncio.Protocol):  # held here
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def eof_received(self):
        return True


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, '127.0.0.1', 0)
    print('ready', server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
