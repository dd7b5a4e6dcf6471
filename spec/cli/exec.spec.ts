import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { HELP } from '../../lib/cli/help.js'
import { CLUSTER, ended, hasTerminals, printed, sectionOf, useCli } from '../support/cli.js'

const ALICE = ['exec', '--host', CLUSTER, '--db-user', 'alice', '--']
const psql = spawnSync('psql', ['--version']).status === 0

describe('pg-redshift-iam exec', () => {
  const cli = useCli()
  const node = (script: string): string[] => [...ALICE, process.execPath, '-e', script]

  it("gives the command libpq's variables, and Amazon's root certificates", async () => {
    const { code, stdout } = await cli.run(node('console.log(JSON.stringify(process.env))'), {
      PGSERVICE: 'other',
      NODE_EXTRA_CA_CERTS: undefined,
    })
    const env = JSON.parse(stdout)
    expect(code).to.equal(0)
    expect(env).to.include({
      PGHOST: CLUSTER,
      PGPORT: String(cli.emulator.address.port),
      PGDATABASE: 'dev',
      PGUSER: 'IAM:alice',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: `${cli.folder}/dist/cli/amazon-roots.pem`,
    })
    expect(env.PGPASSWORD).to.have.length.above(100)
    // A service would override the other variables. The SDK's variable is set for this process only.
    expect(env).not.to.have.any.keys('PGSERVICE', 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED')
  })

  it('gives the command the certificates in NODE_EXTRA_CA_CERTS as well, in a temporary file', async () => {
    const script = 'console.log(process.env.PGSSLROOTCERT + fs.readFileSync(process.env.PGSSLROOTCERT))'
    const { stdout } = await cli.run(node(script))
    const [file = ''] = stdout.split('-----', 1)
    expect(stdout).to.include(readFileSync(`${cli.folder}/dist/cli/amazon-roots.pem`, 'utf8').trim())
    expect(stdout).to.include(cli.emulator.ca.trim())
    expect(existsSync(dirname(file))).to.equal(false)
  })

  it('copies nothing but the certificates of NODE_EXTRA_CA_CERTS, such as no private key', async () => {
    const pem = join(cli.folder, 'with-key.pem')
    const key = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n'
    writeFileSync(pem, `${key}subject=hunter2\r\n${cli.emulator.ca.trim().replaceAll('\n', '\r\n')}\r\n${key}`)
    const script = 'console.log(String(fs.readFileSync(process.env.PGSSLROOTCERT)))'
    const { stdout } = await cli.run(node(script), { NODE_EXTRA_CA_CERTS: pem })
    expect(stdout.replaceAll('\r', ''))
      .to.include(cli.emulator.ca.trim())
      .and.not.match(/hunter2|PRIVATE/)
  })

  it('gives the command certificates that another user can read', async () => {
    const script =
      'const file = process.env.PGSSLROOTCERT; for (const name of [file, path.dirname(file)]) console.log(fs.statSync(name).mode & 0o777)'
    const start = `umask 077; "${process.execPath}" "${cli.main}" "$@"`
    const child = spawn('sh', ['-c', start, 'sh', ...node(script)], { cwd: cli.folder, env: cli.env })
    expect(await ended(child)).to.include({ code: 0, stdout: `${0o644}\n${0o755}\n`, stderr: '' })
  })

  it('ignores a NODE_EXTRA_CA_CERTS that cannot be read, as Node.js does', async () => {
    const { code, stdout } = await cli.run([...ALICE, 'printenv', 'PGSSLROOTCERT'], {
      NODE_EXTRA_CA_CERTS: 'no.pem',
      AWS_CA_BUNDLE: `${cli.folder}/ca.pem`,
    })
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: `${cli.folder}/dist/cli/amazon-roots.pem\n` })
  })

  it('removes the trailing dot of the host name, and makes the path of the certificates absolute', async () => {
    const show = ['sh', '-c', 'echo $PGHOST; echo $PGSSLROOTCERT']
    const { stdout } = await cli.run(['exec', '--host', `${CLUSTER}.`, '--', ...show], { PGSSLROOTCERT: 'ca.pem' })
    expect(stdout).to.equal(`${CLUSTER}\n${cli.folder}/ca.pem\n`)
    const system = await cli.run(['exec', '--host', CLUSTER, '--', ...show], { PGSSLROOTCERT: 'system' })
    expect(system.stdout).to.equal(`${CLUSTER}\nsystem\n`)
  })

  it('puts the password into no list of arguments', async function () {
    if (spawnSync('ps', ['--version']).status !== 0) this.skip()
    const script = 'echo "$PGPASSWORD"; ps -o args= -p $$; ps -o args= -p $PPID'
    const { stdout } = await cli.run([...ALICE, 'sh', '-c', script])
    const [password = '', ...lists] = stdout.trim().split('\n')
    expect(password).to.have.length.above(100)
    expect(lists.join('\n')).to.include('main.js exec').and.not.include(password)
  })

  it('passes on standard input and the exit code', async () => {
    const child = cli.start(node('process.stdin.on("data", data => process.exit(Number(data)))'))
    child.stdin?.end('42')
    expect(await ended(child)).to.include({ code: 42, stdout: '', stderr: '' })
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const)
    it(`passes on ${signal}, and lets the command decide`, async () => {
      const child = cli.start(
        node(`process.on('${signal}', () => process.exit(7)); setInterval(() => {}, 1000); console.log('ready')`),
      )
      const end = ended(child)
      await printed(child, 'ready')
      child.kill(signal)
      expect(await end).to.include({ code: 7, signal: null })
    })

  it(`passes on Ctrl-C once${hasTerminals ? '' : ' (skipped: script is not installed)'}`, async function () {
    if (!hasTerminals) this.skip()
    const script = `let n = 0; process.on("SIGINT", () => n++ || setTimeout(() => process.exit(n), 500)); setInterval(() => {}, 1000); fs.writeFileSync("/dev/tty", "ready")`
    for (const redirection of ['', '< /dev/null', '< /dev/null > /dev/null 2>&1']) {
      const child = cli.startOnTerminal(`exec --host ${CLUSTER} -- "${process.execPath}" -e '${script}' ${redirection}`)
      const end = ended(child)
      await printed(child, 'ready')
      child.stdin?.write('\u0003')
      const { code } = await end
      expect(code, redirection).to.equal(1)
    }
  })

  it('dies of the signal that killed the command', async () => {
    const { code, signal } = await cli.run(node('process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000)'))
    expect({ code, signal }).to.deep.equal({ code: null, signal: 'SIGTERM' })
  })

  for (const signal of ['SIGSEGV', 'SIGABRT', 'SIGQUIT'] as const)
    it(`does not die of ${signal}, because its core file would contain the password`, async () => {
      const end = await cli.run([...ALICE, 'sh', '-c', `ulimit -c 0; kill -${signal.slice(3)} $$`])
      expect(end).to.include({ code: 128 + constants.signals[signal], signal: null })
    })

  it('exits with the codes of a shell if the command is missing or cannot be executed', async () => {
    const missing = await cli.run([...ALICE, 'no-such-program'])
    expect(missing.code).to.equal(127)
    expect(missing.stderr).to.include('"no-such-program"')
    expect((await cli.run([...ALICE, cli.folder])).code).to.equal(126)
  })

  it('exits with 126 if the command cannot be started for another reason, and leaves no files behind', async () => {
    const TMPDIR = mkdtempSync(join(cli.folder, 'tmp-'))
    const { code, stderr } = await cli.run([...ALICE, join(cli.folder, 'package.json', 'psql')], { TMPDIR })
    expect(code, stderr).to.equal(126)
    expect(stderr).to.include('ENOTDIR')
    expect(readdirSync(TMPDIR)).to.deep.equal([])
  })

  it('does not run the command without a login', async () => {
    using _ = cli.emulator.fail({ kind: 'not-found' })
    const end = await cli.run(node('console.log("ran")'))
    expect(end).to.include({ code: 125, stdout: '' })
    expect(sectionOf(end)).to.equal('err_redshift_not_found')
    expect(end.stderr).to.include('"examplecluster"').and.include('us-west-2')
  })

  it('does not run the command as another user than PGUSER', async () => {
    const end = await cli.run(['exec', '--host', CLUSTER, '--', 'echo', 'ran'], { PGUSER: 'IAMR:boss' })
    expect(end).to.include({ code: 125, stdout: '' })
    expect(sectionOf(end)).to.equal('err_redshift_user_mismatch')
    expect(end.stderr).to.include('"IAMR:boss"').and.include('"IAMR:analyst"')
    expect(await cli.output(['exec', '--host', CLUSTER, '--', 'printenv', 'PGUSER'], { PGUSER: 'IAM:alice' })).to.equal(
      'IAM:alice\n',
    )
    const byFlag = ['exec', '--host', CLUSTER, '--db-user', 'alice', '--', 'printenv', 'PGUSER']
    expect(await cli.output(byFlag, { PGUSER: 'IAMR:boss' })).to.equal('IAM:alice\n')
  })

  it('needs a command', async () => {
    expect(await cli.refusal(['exec', '--host', CLUSTER])).to.include('-- psql')
  })

  it('needs a database', async () => {
    const message = await cli.refusal(node(''), { PGDATABASE: undefined })
    expect(message).to.include('--db-name').and.include('PGDATABASE')
  })

  describe(`with psql${psql ? '' : ' (skipped: psql is not installed)'}`, () => {
    before(function () {
      if (!psql) this.skip()
    })
    const query = ['psql', '-X', '-w', '-A', '-t', '-c', 'SELECT current_user']

    it("verifies the certificate for the cluster's own name", async () => {
      const PGSSLROOTCERT = `${cli.folder}/ca.pem`
      const { code, stdout, stderr } = await cli.run(['exec', '--host', CLUSTER, '--', ...query], { PGSSLROOTCERT })
      expect(stderr).to.equal('')
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'IAMR:analyst\n' })
      expect(cli.emulator.logins.at(-1)).to.include({ ok: true, tls: true })
    })

    it("rejects a server whose certificate is not from Amazon's roots", async () => {
      // It is for AWS's endpoint, not for the cluster, as in the AWS CLI.
      const bundle = ['--ca-bundle', `${cli.folder}/ca.pem`]
      const { code, stderr } = await cli.run(['exec', '--host', CLUSTER, ...bundle, '--', ...query], {
        NODE_EXTRA_CA_CERTS: undefined,
      })
      expect(code).to.equal(2)
      expect(stderr).to.include('certificate verify failed')
    })

    it('accepts the password file of the example in the help of credentials', async () => {
      const [example = ''] = /\(umask .*pgpass$/ms.exec(HELP.credentials) ?? []
      const script = `umask 022; ${example} && ${query.slice(0, -1).join(' ')} "SELECT current_user"`
      const child = spawn('sh', ['-c', script.replaceAll('pg-redshift-iam', `"${process.execPath}" "${cli.main}"`)], {
        cwd: cli.folder,
        env: {
          ...cli.env,
          HOST: CLUSTER,
          PGHOST: CLUSTER,
          PGUSER: 'IAMR:analyst',
          PGSSLMODE: 'verify-full',
          PGSSLROOTCERT: 'ca.pem',
        },
      })
      expect(await ended(child)).to.include({ code: 0, stdout: 'IAMR:analyst\n', stderr: '' })
    })
  })
})
