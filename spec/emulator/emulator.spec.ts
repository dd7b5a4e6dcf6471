import { X509Certificate } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import { inspect } from 'node:util'
import { expect } from 'chai'
import pg from 'pg'
import { type EmulatorOptions, type RedshiftEmulator, startRedshiftEmulator } from '../../lib/emulator/index.js'
import { connect, fetchLogin } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('The emulator', () => {
  let emulator: RedshiftEmulator
  beforeEach(async () => {
    emulator = await startEmulator()
  })
  afterEach(() => emulator.close())

  it('accepts a login from its AWS API as a database user who may create tables', async () => {
    const client = await connect(emulator, await fetchLogin(emulator))
    const { rows } = await client.query('SELECT current_user::text AS "user", current_database() AS "database"')
    await client.query('CREATE TABLE made_by_alice (id integer)')
    await client.query('DROP TABLE made_by_alice')
    await client.end()
    expect(rows).to.deep.equal([{ user: 'alice', database: 'dev' }])
  })

  it('lists calls and logins without their secrets', async () => {
    const before = Date.now()
    const login = await fetchLogin(emulator, { DbName: 'dev', DbGroups: ['readers', 'writers'], DurationSeconds: 1200 })
    const client = await connect(emulator, login)
    await client.end()
    const [call] = emulator.calls
    expect(call).to.deep.include({ operation: 'GetClusterCredentials', region: 'us-west-2', status: 200 })
    expect(call?.parameters).to.deep.equal({
      ClusterIdentifier: 'examplecluster',
      DbUser: 'alice',
      AutoCreate: true,
      DbName: 'dev',
      DbGroups: ['readers', 'writers'],
      DurationSeconds: 1200,
    })
    const [{ at = 0, ...entry } = {}] = emulator.logins
    expect(at).to.be.within(before, Date.now())
    expect(entry).to.deep.equal({
      user: 'IAMA:alice:readers,writers',
      database: 'dev',
      host: 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
      tls: true,
      ok: true,
      sqlstate: undefined,
      serial: 1,
    })
    const listed = JSON.stringify([emulator.calls, emulator.logins])
    expect(listed).not.to.include(login.password)
    expect(listed).not.to.include(emulator.aws.credentials.sessionToken)
    expect(listed).not.to.include(emulator.aws.credentials.secretAccessKey)
  })

  it('accepts connections through its stream with any host and port, and at its address', async () => {
    const login = await fetchLogin(emulator)
    const { stream } = emulator
    const other = await connect(emulator, login, { port: 5439, stream })
    await other.end()
    const direct = new pg.Client({
      host: emulator.address.host,
      port: emulator.address.port,
      database: 'dev',
      ssl: { ca: emulator.ca },
      user: login.user,
      password: login.password,
    })
    await direct.connect()
    await direct.end()
    expect(emulator.logins.map(({ host, ok }) => ({ host, ok }))).to.deep.equal([
      { host: 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com', ok: true },
      { host: undefined, ok: true },
    ])
  })

  it('has a certificate with a wildcard, like Redshift', async () => {
    const login = await fetchLogin(emulator)
    const connectTo = (host: string) => connect(emulator, login, { host })
    const error = await rejection(connectTo('examplecluster.xyz789abc123.us-west-2.redshift.amazonaws.com'))
    expect(error.code).to.equal('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(emulator.logins).to.deep.equal([])
    await (await connectTo('other.abc123xyz789.us-west-2.redshift.amazonaws.com')).end()
  })

  it('has a certificate authority with a unique name', async () => {
    await using other = await startEmulator({ hosts: ['orders.abc123xyz789.eu-west-1.redshift.amazonaws.com'] })
    const [mine, others] = [emulator, other].map(({ ca }) => new X509Certificate(ca).subject)
    expect(mine).to.include('pg-redshift-iam emulator CA').and.not.equal(others)
  })

  it('runs setup SQL as the superuser, also for users who have not logged in yet', async () => {
    const rows = await emulator.query(
      'GRANT USAGE ON SCHEMA public TO "IAMR:analyst"; SELECT current_database() AS name',
    )
    expect(rows).to.deep.equal([{ name: 'dev' }])
    expect(await emulator.query('SELECT current_database() AS name', 'postgres')).to.deep.equal([{ name: 'postgres' }])
  })

  it('shares a server with another emulator without accepting its logins', async () => {
    const other = await startEmulator({ databases: ['dev', 'shared_by_emulators'] })
    try {
      const [login, otherLogin] = await Promise.all([fetchLogin(emulator), fetchLogin(other)])
      const clients = await Promise.all([connect(emulator, login), connect(other, otherLogin)])
      await Promise.all(clients.map(client => client.end()))
      expect((await rejection(connect(other, login))).code).to.equal('28000')
    } finally {
      await other.close()
    }
  })

  it('can start concurrently on one server, with new databases and users', async () => {
    const name = `made_at_once_${process.pid}`
    const user = { DbUser: name }
    const emulators = await Promise.all(Array.from({ length: 8 }, () => startEmulator({ databases: [name] })))
    try {
      const clients = await Promise.all(emulators.map(async one => connect(one, await fetchLogin(one, user))))
      await Promise.all(clients.map(client => client.end()))
    } finally {
      await Promise.all(emulators.map(one => one.close()))
      await emulator.query(`DROP DATABASE ${name}`, 'postgres')
      await emulator.query(`DROP ROLE "IAMA:${name}", ${name}`, 'postgres')
    }
  })

  it('creates a user again that setup SQL has dropped, here or in another emulator on the server', async () => {
    await using other = await startEmulator()
    const login = await fetchLogin(emulator, { DbUser: 'dropped' })
    await (await connect(emulator, login)).end()
    for (const one of [emulator, other])
      for (const role of ['"IAMA:dropped"', 'dropped']) {
        await one.query(`DROP ROLE ${role}`)
        await (await connect(emulator, login)).end()
      }
  })

  it('closes its connections and ports, and can be closed twice', async () => {
    const client = await connect(emulator, await fetchLogin(emulator))
    const ended = new Promise(resolve => client.once('end', resolve))
    await Promise.all([emulator.close(), emulator.close()])
    await ended
    await emulator[Symbol.asyncDispose]()
    expect(emulator.connections).to.equal(0)
    const port = Number(new URL(emulator.endpoint).port)
    for (const closed of [emulator.address.port, port]) {
      const error = await rejection(
        new Promise((resolve, reject) => connectSocket(closed, '127.0.0.1', () => resolve(0)).once('error', reject)),
      )
      expect(error.code).to.equal('ECONNREFUSED')
    }
  })

  it('counts connected clients, logged in or not', async () => {
    expect(emulator.connections).to.equal(0)
    const socket = connectSocket(emulator.address.port, emulator.address.host)
    const client = await connect(emulator, await fetchLogin(emulator))
    expect(emulator.connections).to.equal(2)
    socket.destroy()
    await client.end()
  })

  it('listens on the given ports, and fails if one is in use', async () => {
    const [port, awsPort] = [emulator.address.port, Number(new URL(emulator.endpoint).port)]
    await emulator.close()
    await using fixed = await startEmulator({ port, awsPort, listenAddress: '0.0.0.0' })
    expect(fixed.address).to.deep.equal({ host: '127.0.0.1', port })
    expect(fixed.endpoint).to.equal(`http://127.0.0.1:${awsPort}`)
    await (await connect(fixed, await fetchLogin(fixed))).end()
    for (const taken of [{ port }, { awsPort }])
      expect((await rejection(startEmulator(taken))).code).to.equal('EADDRINUSE')
  })

  it('returns a pool configuration for each kind of host', () => {
    expect(emulator.poolConfig().host).to.equal('examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com')
    expect(emulator.poolConfig('serverless').host).to.equal(
      'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com',
    )
    expect(emulator.poolConfig('localhost')).to.deep.include({ host: 'localhost', port: emulator.address.port })
  })

  it('rejects invalid options with a remedy', async () => {
    const cases: [options: EmulatorOptions, option: string, value: string][] = [
      [{ lifetimeSeconds: 4 }, 'lifetimeSeconds', '4'],
      [{ hosts: ['db.example.com'] }, 'hosts', '"db.example.com"'],
      [{ customDomains: { 'db.example.com': 'unknown' } }, 'customDomains', '"unknown"'],
      [{ port: 0 }, 'port', '0'],
      [{ awsPort: 65_536 }, 'awsPort', '65536'],
      [{ port: 1.5 }, 'port', '1.5'],
      [{ identity: '' }, 'identity', ''],
      [{ databases: 'dev' as never }, 'databases', 'array'],
      [{ users: ['alice', ''] }, 'users', 'array'],
      [{ hosts: 'db.example.com' as never }, 'hosts', 'array'],
      [{ nextRefreshSeconds: Number.NaN }, 'nextRefreshSeconds', 'NaN'],
    ]
    for (const [options, option, value] of cases) {
      const error = await rejection(startRedshiftEmulator(options))
      expect(error).to.include({ option })
      expect(error.message).to.include(value)
    }
    for (const millis of [-1, 2 ** 31, Number.NaN])
      expect(() => emulator.fail({ kind: 'latency', millis })).to.throw(RangeError, 'millis: ')
    for (const [name, fault] of [
      ['seconds', { kind: 'clock-skew', seconds: 1e13 }],
      ['seconds', { kind: 'clock-skew', seconds: -1e13 }],
      ['ageSeconds', { kind: 'stale-date', ageSeconds: -1 }],
      ['ageSeconds', { kind: 'stale-date', ageSeconds: Number.POSITIVE_INFINITY }],
      ['retryAfterSeconds', { kind: 'throttling', retryAfterSeconds: Number.NaN }],
      ['retryAfterSeconds', { kind: 'internal-error', retryAfterSeconds: -1 }],
    ] as const)
      expect(() => emulator.fail(fault)).to.throw(RangeError, `${name}: `)
    for (const postgres of [
      'mysql://u:hunter2@localhost',
      'postgres://u:hunter2@db:99999/',
      'host=db password=hunter2',
    ]) {
      const error = await rejection(startRedshiftEmulator({ postgres }))
      expect(error).to.include({ option: 'postgres' })
      expect(inspect(error)).not.to.include('hunter2')
    }
  })
})
