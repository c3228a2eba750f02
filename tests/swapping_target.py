"""A target that shows another host key when keys are renewed, if the command says `swap`: KEY OTHER. Says its port."""
import asyncio, sys
import asyncssh

key, other = sys.argv[1:3]


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return False


async def handle(process):
    connection = process.get_extra_info("connection")
    process.stdout.write("before\n")
    if process.command == "swap":
        connection._server_host_keys = {b"ssh-ed25519": asyncssh.load_keypairs([other])[0]}
    await process.stdout.drain()
    connection._send_kexinit()
    connection._kexinit_sent = True
    # It would go on sending meanwhile, which nobody may.
    while connection._kexinit_sent or not connection._kex_complete:
        await asyncio.sleep(0.01)
    process.stdout.write("after\n")
    process.exit(0)


async def main():
    server = await asyncssh.create_server(
        Server, "127.0.0.1", 0, server_host_keys=[key], process_factory=handle
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.wait_closed()


asyncio.run(main())
