"""What the matrix asks of paramiko: CHECK HOST PORT USER KEY KNOWN FAR NEAR [VIA VIA_PORT VIA_USER]."""
import json, os, sys
import paramiko

check, host, port, user, key, known, far, near = sys.argv[1:9]


def connect(host, port, user, sock=None):
    client = paramiko.SSHClient()
    client.load_host_keys(known)
    client.connect(host, int(port), username=user, key_filename=key, allow_agent=False, look_for_keys=False, sock=sock)
    return client


if via := sys.argv[9:]:
    outer = connect(*via)
    client = connect(host, port, user, outer.get_transport().open_channel("direct-tcpip", (host, int(port)), ("", 0)))
else:
    client = connect(host, port, user)


def commands():
    every = bytes(range(256)) * 4000
    stdin, stdout, stderr = client.exec_command("cat; echo problem >&2; exit 3")
    stdin.write(every)
    stdin.channel.shutdown_write()
    assert stdout.read() == every
    assert stderr.read() == b"problem\n"
    assert stdout.channel.recv_exit_status() == 3


def signals():
    _, stdout, _ = client.exec_command("kill -TERM $$")
    # paramiko knows no exit-signal: there is no status then.
    assert stdout.channel.recv_exit_status() == -1


def files():
    sftp = client.open_sftp()
    sftp.put(near + "/big", far + "/big")
    # Its prefetch reads a file twice where answers come faster than it asks.
    sftp.get(far + "/big", near + "/back", prefetch=False)


def listing():
    sftp = client.open_sftp()
    assert len(sftp.listdir(far + "/many")) == 5000


def names():
    sftp = client.open_sftp()
    wanted = json.load(open(near + "/odd.json"))
    assert sorted(sftp.listdir(far + "/odd")) == sorted(wanted)
    for name in wanted:
        with sftp.open(far + "/odd/" + name, "ab") as file:
            file.write(b" and more")
        sftp.rename(far + "/odd/" + name, far + "/odd/x" + name)


def terminal():
    channel = client.get_transport().open_session()
    channel.get_pty("xterm", 80, 24)
    channel.exec_command("stty size; read x; stty size")
    seen = b""
    while b"24 80" not in seen:
        seen += channel.recv(1000)
    channel.resize_pty(132, 50)
    channel.send(b"\n")
    while b"50 132" not in seen:
        more = channel.recv(1000)
        assert more, seen
        seen += more


def channels():
    transport = client.get_transport()
    stalled = transport.open_session()
    stalled.exec_command("cat /dev/zero")
    others = []
    for n in range(19):
        channel = transport.open_session()
        channel.exec_command(f"head -c 300000 /dev/zero; echo {n}")
        others.append(channel)
    for n, channel in enumerate(others):
        seen = b"".join(iter(lambda: channel.recv(65536), b""))
        assert seen == bytes(300000) + f"{n}\n".encode(), (n, len(seen))
    stalled.close()


globals()[check]()
client.close()
