import { expect } from 'chai'
import pg from 'pg'
import type { Fault, RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, type RedshiftOptions, redshiftPassword } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

const HANG = { fetchTimeoutMillis: 100 }

describe('A pg.Client with a password function that rejects', () => {
  let emulator: RedshiftEmulator

  before(async () => {
    emulator = await startEmulator()
  })
  afterEach(() => {
    emulator.logins.length = 0
  })
  after(() => emulator.close())

  /** Why the function rejects, with which code, and the fault, options and configuration that cause it. */
  const refusals: [string, string, Fault | undefined, RedshiftOptions?, pg.ClientConfig?][] = [
    ['AWS denies the call', 'ERR_REDSHIFT_ACCESS_DENIED', { kind: 'access-denied' }],
    ['AWS does not accept the AWS credentials', 'ERR_REDSHIFT_AWS_CREDENTIALS', { kind: 'invalid-token' }],
    ['AWS knows no such cluster', 'ERR_REDSHIFT_NOT_FOUND', { kind: 'not-found' }],
    ['AWS does not support the call', 'ERR_REDSHIFT_UNSUPPORTED', { kind: 'unsupported' }],
    ['AWS throttles', 'ERR_REDSHIFT_THROTTLED', { kind: 'throttling' }],
    ['AWS fails', 'ERR_REDSHIFT_UNAVAILABLE', { kind: 'internal-error' }],
    ['AWS drops the connection', 'ERR_REDSHIFT_UNAVAILABLE', { kind: 'reset' }],
    ['AWS does not respond', 'ERR_REDSHIFT_TIMEOUT', { kind: 'hang' }, HANG],
    ['AWS responds without a password', 'ERR_REDSHIFT_RESPONSE', { kind: 'malformed', how: 'no-password' }],
    ['AWS truncates its response', 'ERR_REDSHIFT_RESPONSE', { kind: 'malformed', how: 'truncated' }],
    ['AWS refuses a parameter', 'ERR_REDSHIFT_OPTION', { kind: 'validation' }],
    ['the user is not an IAM user', 'ERR_REDSHIFT_USER_MISMATCH', undefined, {}, { user: 'alice' }],
    ['AWS returns a login for another user', 'ERR_REDSHIFT_USER_MISMATCH', undefined, { dbUser: 'bob' }],
    ['options and connection name two clusters', 'ERR_REDSHIFT_TARGET', undefined, { clusterIdentifier: 'other' }],
    ['options and connection name two databases', 'ERR_REDSHIFT_OPTION', undefined, { database: 'prod' }],
  ]
  for (const [why, code, fault, options, config] of refusals)
    it(`because ${why}, leaves no socket behind`, async () => {
      const atWork = fault && emulator.fail(fault)
      const client = new pg.Client({
        ...emulator.poolConfig(),
        user: 'IAM:alice',
        ...config,
        password: redshiftPassword({ aws: { ...emulator.aws, maxAttempts: 1 }, ...options }),
      })
      expect(await rejection(client.connect())).to.have.property('code', code)
      // The client is not ended, as in a pool after a failed connect().
      while (emulator.connections > 0) await new Promise(setImmediate)
      atWork?.clear()
      expect(emulator.logins.filter(({ ok }) => ok)).to.deep.equal([])
    })

  it('because the credentials are closed, leaves no socket behind', async () => {
    const credentials = new RedshiftCredentials({ aws: emulator.aws })
    await credentials.close()
    const client = new pg.Client({
      ...emulator.poolConfig(),
      user: 'IAM:alice',
      password: redshiftPassword(credentials),
    })
    expect(await rejection(client.connect())).to.have.property('code', 'ERR_REDSHIFT_CLOSED')
    while (emulator.connections > 0) await new Promise(setImmediate)
  })

  it('because Redshift refuses its login, leaves no socket behind', async () => {
    const kinds: Fault[] = [
      { kind: 'reject-login' },
      { kind: 'reject-login', sqlstate: '28P01' },
      { kind: 'reject-login', sqlstate: '42704', message: 'user "IAM:alice" does not exist' },
      { kind: 'login-reset' },
    ]
    for (const kind of kinds) {
      emulator.fail(kind, { times: 1 })
      const client = new pg.Client({
        ...emulator.poolConfig(),
        user: 'IAM:alice',
        password: redshiftPassword({ aws: emulator.aws }),
      })
      await rejection(client.connect())
      while (emulator.connections > 0) await new Promise(setImmediate)
    }
    expect(emulator.logins).to.have.length(kinds.length)
  })

  it('frees its slot in the pool for the next connection', async () => {
    using outage = emulator.fail({ kind: 'access-denied' })
    const credentials = new RedshiftCredentials({ aws: emulator.aws })
    const pool = new pg.Pool({
      ...emulator.poolConfig(),
      user: 'IAM:alice',
      password: redshiftPassword(credentials),
      max: 2,
    })
    const refused = await Promise.all(Array.from({ length: 20 }, () => rejection(pool.query('select 1'))))
    expect(new Set(refused)).to.have.length(20)
    while (emulator.connections > 0) await new Promise(setImmediate)
    expect(pool.totalCount).to.equal(0)
    outage.clear()
    while (credentials.status()[0]?.phase !== 'fresh') {
      await credentials.get({ ...emulator.poolConfig(), user: 'IAM:alice' }).catch(() => {})
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const { rows } = await pool.query('select session_user as name')
    expect(rows).to.deep.equal([{ name: 'IAM:alice' }])
    await pool.end()
    await credentials.close()
  })
})
