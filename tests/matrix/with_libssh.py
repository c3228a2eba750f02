"""What the matrix asks of libssh, through ctypes: CHECK HOST PORT USER KEY KNOWN FAR NEAR [CONFIG].

With a CONFIG it goes by `ProxyCommand ssh -W`, which is what libssh makes of a ProxyJump before its version 0.11.
"""
import ctypes, json, os, sys

check, host, port, user, key, known, far, near = sys.argv[1:9]
lib = ctypes.CDLL("libssh.so.4")
P, S, I, B = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint32
for name, result, takes in [
    ("ssh_new", P, []), ("ssh_options_set", I, [P, I, P]), ("ssh_connect", I, [P]), ("ssh_get_error", S, [P]),
    ("ssh_session_is_known_server", I, [P]), ("ssh_pki_import_privkey_file", I, [S, S, P, P, P]), ("ssh_userauth_publickey", I, [P, S, P]),
    ("ssh_channel_new", P, [P]), ("ssh_channel_open_session", I, [P]), ("ssh_channel_request_exec", I, [P, S]),
    ("ssh_channel_write", I, [P, S, B]), ("ssh_channel_send_eof", I, [P]), ("ssh_channel_close", I, [P]),
    ("ssh_channel_read", I, [P, P, B, I]), ("ssh_channel_get_exit_status", I, [P]),
    ("ssh_channel_request_pty_size", I, [P, S, I, I]), ("ssh_channel_change_pty_size", I, [P, I, I]),
    ("sftp_new", P, [P]), ("sftp_init", I, [P]), ("sftp_open", P, [P, S, I, I]), ("sftp_close", I, [P]),
    ("sftp_write", ctypes.c_ssize_t, [P, S, ctypes.c_size_t]), ("sftp_read", ctypes.c_ssize_t, [P, P, ctypes.c_size_t]),
    ("sftp_opendir", P, [P, S]), ("sftp_readdir", P, [P, P]), ("sftp_closedir", I, [P]), ("sftp_rename", I, [P, S, S]),
]:
    function = getattr(lib, name)
    function.restype, function.argtypes = result, takes

session = lib.ssh_new()


def good(result):
    assert result == 0, lib.ssh_get_error(session)


# SSH_OPTIONS_HOST, _PORT, _USER, _KNOWNHOSTS, _PROXYCOMMAND.
good(lib.ssh_options_set(session, 0, host.encode()))
good(lib.ssh_options_set(session, 1, ctypes.byref(ctypes.c_uint(int(port)))))
good(lib.ssh_options_set(session, 4, user.encode()))
good(lib.ssh_options_set(session, 8, known.encode()))
for config in sys.argv[9:]:
    good(lib.ssh_options_set(session, 19, f"ssh -F {config} -W {host}:{port} bastion".encode()))
good(lib.ssh_connect(session))
# SSH_KNOWN_HOSTS_OK.
assert lib.ssh_session_is_known_server(session) == 1
private = P()
good(lib.ssh_pki_import_privkey_file(key.encode(), None, None, None, ctypes.byref(private)))
good(lib.ssh_userauth_publickey(session, None, private))
buffer = ctypes.create_string_buffer(65536)


def channel(command, pty=False):
    made = lib.ssh_channel_new(session)
    good(lib.ssh_channel_open_session(made))
    if pty:
        good(lib.ssh_channel_request_pty_size(made, b"xterm", 80, 24))
    good(lib.ssh_channel_request_exec(made, command.encode()))
    return made


def read(made, stderr=0, until=None):
    seen = b""
    while until is None or until not in seen:
        n = lib.ssh_channel_read(made, buffer, len(buffer), stderr)
        assert n >= 0, lib.ssh_get_error(session)
        if n == 0:
            assert until is None, seen
            break
        seen += buffer.raw[:n]
    return seen


def sftp():
    made = lib.sftp_new(session)
    good(lib.sftp_init(made))
    return made


def commands():
    every = bytes(range(256)) * 400
    made = channel("cat; echo problem >&2; exit 3")
    assert lib.ssh_channel_write(made, every, len(every)) == len(every)
    good(lib.ssh_channel_send_eof(made))
    assert read(made) == every
    assert read(made, 1) == b"problem\n"
    assert lib.ssh_channel_get_exit_status(made) == 3


def files():
    made, content = sftp(), open(near + "/big", "rb").read()
    file = lib.sftp_open(made, (far + "/big").encode(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for at in range(0, len(content), 32768):
        piece = content[at:at + 32768]
        assert lib.sftp_write(file, piece, len(piece)) == len(piece)
    good(lib.sftp_close(file))
    file = lib.sftp_open(made, (far + "/big").encode(), os.O_RDONLY, 0)
    with open(near + "/back", "wb") as back:
        while (n := lib.sftp_read(file, buffer, len(buffer))) > 0:
            back.write(buffer.raw[:n])
    good(lib.sftp_close(file))


def entries(made, path):
    folder, names = lib.sftp_opendir(made, path.encode()), []
    # The first field of its attributes is the name.
    while entry := lib.sftp_readdir(made, folder):
        names.append(ctypes.cast(entry, ctypes.POINTER(S))[0].decode())
    good(lib.sftp_closedir(folder))
    return sorted(name for name in names if name not in (".", ".."))


def listing():
    assert len(entries(sftp(), far + "/many")) == 5000


def names():
    made, wanted = sftp(), json.load(open(near + "/odd.json"))
    assert entries(made, far + "/odd") == sorted(wanted)
    for name in wanted:
        path = (far + "/odd/" + name).encode()
        file = lib.sftp_open(made, path, os.O_WRONLY | os.O_APPEND, 0)
        assert lib.sftp_write(file, b" and more", 9) == 9
        good(lib.sftp_close(file))
        good(lib.sftp_rename(made, path, (far + "/odd/x" + name).encode()))


def terminal():
    made = channel("stty size; read x; stty size", pty=True)
    read(made, until=b"24 80")
    good(lib.ssh_channel_change_pty_size(made, 132, 50))
    lib.ssh_channel_write(made, b"\n", 1)
    read(made, until=b"50 132")


def channels():
    stalled = channel("cat /dev/zero")
    others = [channel(f"head -c 300000 /dev/zero; echo {n}") for n in range(19)]
    for n, made in enumerate(others):
        assert read(made) == bytes(300000) + f"{n}\n".encode(), n
    lib.ssh_channel_close(stalled)


globals()[check]()
