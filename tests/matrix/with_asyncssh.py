"""What the matrix asks of asyncssh: CHECK HOST PORT USER KEY KNOWN FAR NEAR [VIA VIA_PORT VIA_USER]."""
import asyncio, json, sys
import asyncssh

check, host, port, user, key, known, far, near = sys.argv[1:9]


async def commands(conn):
    every = bytes(range(256)) * 4000
    run = await conn.run("cat; echo problem >&2; exit 3", input=every, encoding=None)
    assert (run.stdout, run.stderr, run.exit_status) == (every, b"problem\n", 3)


async def signals(conn):
    run = await conn.run("kill -TERM $$")
    assert run.exit_signal[0] == "TERM", run.exit_signal


async def files(conn):
    async with conn.start_sftp_client() as sftp:
        await sftp.put(near + "/big", far + "/big")
        await sftp.get(far + "/big", near + "/back")


async def listing(conn):
    async with conn.start_sftp_client() as sftp:
        names = [name for name in await sftp.listdir(far + "/many") if name not in (".", "..")]
        assert len(names) == 5000, len(names)


async def names(conn):
    wanted = json.load(open(near + "/odd.json"))
    async with conn.start_sftp_client() as sftp:
        there = [name for name in await sftp.listdir(far + "/odd") if name not in (".", "..")]
        assert sorted(there) == sorted(wanted)
        for name in wanted:
            async with sftp.open(far + "/odd/" + name, "ab") as file:
                await file.write(b" and more")
            await sftp.rename(far + "/odd/" + name, far + "/odd/x" + name)


async def terminal(conn):
    process = await conn.create_process("stty size; read x; stty size", term_type="xterm", term_size=(80, 24))
    seen = ""
    while "24 80" not in seen:
        seen += await process.stdout.read(1000)
    process.change_terminal_size(132, 50)
    process.stdin.write("\n")
    while "50 132" not in seen:
        more = await process.stdout.read(1000)
        assert more, seen
        seen += more


async def channels(conn):
    stalled = await conn.create_process("cat /dev/zero", encoding=None)
    runs = [conn.run(f"head -c 300000 /dev/zero; echo {n}", encoding=None) for n in range(19)]
    for n, run in enumerate(await asyncio.gather(*runs)):
        assert run.stdout == bytes(300000) + f"{n}\n".encode(), (n, len(run.stdout))
    stalled.close()


def connect(host, port, user, tunnel=None):
    options = dict(client_keys=[key], known_hosts=known, agent_path=None)
    return asyncssh.connect(host, int(port), username=user, tunnel=tunnel, **options)


async def main():
    if via := sys.argv[9:]:
        async with connect(*via) as outer, connect(host, port, user, outer) as conn:
            await globals()[check](conn)
    else:
        async with connect(host, port, user) as conn:
            await globals()[check](conn)


asyncio.run(main())
