// What the matrix asks of Node's ssh2: CHECK HOST PORT USER KEY KNOWN FAR NEAR [VIA VIA_PORT VIA_USER].
const assert = require('assert'), fs = require('fs'), { Client } = require('ssh2');
const [check, host, port, user, key, known, far, near, via, viaPort, viaUser] = process.argv.slice(2);
const client = new Client();
const later = (f) => new Promise((ok, no) => f((error, value) => (error ? no(error) : ok(value))));
const exec = (command, options) => later((f) => client.exec(command, options || {}, f));
// Listens from the beginning: all of a short command's end may come at once.
const run = (command, input) => new Promise((ok, no) => client.exec(command, (error, stream) => {
  if (error) return no(error);
  ended(stream).then(ok);
  if (input) stream.end(input);
}));
const sftp = () => later((f) => client.sftp(f));
const ended = (stream) => new Promise((ok) => {
  const result = { out: [], err: [] };
  stream.on('data', (data) => result.out.push(data));
  stream.stderr.on('data', (data) => result.err.push(data));
  stream.on('exit', (code, signal) => Object.assign(result, { code, signal }));
  stream.on('close', () => ok({ ...result, out: Buffer.concat(result.out), err: Buffer.concat(result.err) }));
});
const until = (stream, text) => new Promise((ok) => {
  let seen = '';
  stream.on('data', (data) => { seen += data; if (seen.includes(text)) ok(); });
});

const checks = {
  async commands() {
    const every = Buffer.alloc(256 * 4000).map((_, n) => n % 256);
    const { out, err, code } = await run('cat; echo problem >&2; exit 3', every);
    assert(out.equals(every));
    assert.deepEqual([err.toString(), code], ['problem\n', 3]);
  },
  async signals() {
    assert.equal((await run('kill -TERM $$')).signal, 'SIGTERM');
  },
  async files() {
    const files = await sftp();
    await later((f) => files.fastPut(near + '/big', far + '/big', f));
    await later((f) => files.fastGet(far + '/big', near + '/back', f));
  },
  async listing() {
    const files = await sftp();
    assert.equal((await later((f) => files.readdir(far + '/many', f))).length, 5000);
  },
  async names() {
    const files = await sftp(), wanted = JSON.parse(fs.readFileSync(near + '/odd.json'));
    const there = (await later((f) => files.readdir(far + '/odd', f))).map((entry) => entry.filename);
    assert.deepEqual(there.sort(), wanted.sort());
    for (const name of wanted) {
      await later((f) => files.appendFile(far + '/odd/' + name, ' and more', f));
      await later((f) => files.rename(far + '/odd/' + name, far + '/odd/x' + name, f));
    }
  },
  async terminal() {
    const stream = await exec('stty size; read x; stty size', { pty: { cols: 80, rows: 24, term: 'xterm' } });
    await until(stream, '24 80');
    const second = until(stream, '50 132');
    stream.setWindow(50, 132, 0, 0);
    stream.write('\n');
    await second;
  },
  async channels() {
    const stalled = await exec('cat /dev/zero');
    const runs = [];
    for (let n = 0; n < 19; n++) runs.push(run(`head -c 300000 /dev/zero; echo ${n}`));
    (await Promise.all(runs)).forEach((run, n) => assert.equal(run.out.length, 300000 + `${n}\n`.length));
    stalled.close();
  },
};

const failed = (error) => { console.error(error); process.exit(1); };
// Each line ends with a type and a key.
const keys = fs.readFileSync(known, 'utf8').trim().split('\n').map((line) => line.split(' ').pop());
const connect = (client, options) => client.on('error', failed).connect({
  privateKey: fs.readFileSync(key), hostVerifier: (shown) => keys.includes(shown.toString('base64')), ...options,
});
client.on('ready', () => checks[check]().then(() => process.exit(0), failed));
if (via) {
  const outer = new Client();
  outer.on('ready', () => outer.forwardOut('', 0, host, Number(port), (error, sock) => {
    if (error) failed(error);
    connect(client, { sock, username: user });
  }));
  connect(outer, { host: via, port: Number(viaPort), username: viaUser });
} else {
  connect(client, { host, port: Number(port), username: user });
}
