import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { expect } from 'chai'
import pg from 'pg'
import PgPool from 'pg-pool'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import {
  RedshiftCredentials,
  RedshiftPgClient,
  RedshiftPool,
  type RedshiftPoolConfig,
  redshiftPoolOptions,
} from '../../lib/index.js'
import { cleanUp, startEmulator } from '../support/emulator.js'
import { runExample } from '../support/example.js'
import { play, poolScenarios } from '../support/pool-scenarios.js'
import { expectError, rejection, thrownBy } from '../support/rejection.js'
import { until } from '../support/until.js'

describe('RedshiftPool', () => {
  let emulator: RedshiftEmulator
  const pools: pg.Pool[] = []

  before(async () => {
    emulator = await startEmulator()
  })
  afterEach(async () => {
    await Promise.all(pools.splice(0).map(pool => pool.ending || pool.end()))
  })
  cleanUp(() => emulator)

  const create = (config: RedshiftPoolConfig = {}): RedshiftPool => {
    const pool = new RedshiftPool({ ...emulator.poolConfig('serverless'), redshift: { aws: emulator.aws }, ...config })
    pools.push(pool)
    return pool
  }

  describe('like pg.Pool,', () => {
    let stock: pg.PoolConfig
    let credentials: RedshiftCredentials
    before(async () => {
      const config = emulator.poolConfig('serverless')
      credentials = new RedshiftCredentials({ aws: emulator.aws, dbName: null })
      const { user, password } = await credentials.get(config)
      stock = { ...config, user, password }
    })
    const terminate = (processId: number) => emulator.query(`select pg_terminate_backend(${processId})`)

    for (const [title, scenario] of Object.entries(poolScenarios))
      it(title, async () => {
        const base = { ...emulator.poolConfig('serverless'), redshift: credentials }
        const creates: ((options?: pg.PoolConfig) => pg.Pool)[] = [
          options => new pg.Pool({ ...stock, ...options }),
          options => new RedshiftPool({ ...base, ...options }),
          options => new pg.Pool(redshiftPoolOptions(credentials, { ...base, ...options })),
          options => new PgPool(redshiftPoolOptions(credentials, { ...base, ...options })),
        ]
        const [expected, ...ours] = await Promise.all(creates.map(create => play(scenario, { create, terminate })))
        expect(expected).to.not.be.empty
        for (const events of ours) expect(events).to.deep.equal(expected)
      })
  })

  it('names the remedy if AWS chooses another user than the configured one', async () => {
    const error = await rejection(create({ user: 'IAM:alice' }).query('SELECT 1'))
    expectError(error, {
      code: 'ERR_REDSHIFT_USER_MISMATCH',
      names: ['"IAM:alice"', '"IAMR:analyst"', 'redshift: { dbUser: "alice" }'],
      omits: ['RedshiftPool'],
    })
    const pool = create({ redshift: { aws: emulator.aws, dbUser: 'alice' } })
    const { rows } = await pool.query('SELECT current_user::text AS name')
    expect(rows[0].name).to.equal('alice')
  })

  it('exposes the credentials that it uses, without another API call', async () => {
    const pool = create()
    await pool.query('SELECT 1')
    expect(pool.credentials.status()).to.have.lengthOf(1)
    expect(pool.credentials.status()[0]).to.include({ user: 'IAMR:analyst', phase: 'fresh' })
    const { host, database } = pool.options
    expect((await pool.credentials.get({ host, database })).user).to.equal('IAMR:analyst')
    expect(emulator.calls).to.have.lengthOf(1)
    const redshift = new RedshiftCredentials({ aws: emulator.aws })
    expect(create({ redshift }).credentials).to.equal(redshift)
    expect(new RedshiftPgClient({ ...emulator.poolConfig(), redshift }).credentials).to.equal(redshift)
  })

  it('throws from credentials of a client with an invalid configuration', () => {
    const client = new RedshiftPgClient({ ...emulator.poolConfig(), password: 'secret' })
    expectError(
      thrownBy(() => client.credentials),
      { code: 'ERR_REDSHIFT_OPTION', names: ['password'] },
    )
  })

  it('needs only host and database: the port is 5439 and TLS is verified', async () => {
    const { host, database, stream } = emulator.poolConfig('serverless')
    const asked: unknown[] = []
    const spied = (): Socket => {
      const socket: Socket = stream()
      const connect = socket.connect as (...args: unknown[]) => Socket
      socket.connect = (...args: unknown[]) => {
        asked.push(args)
        return connect.apply(socket, args)
      }
      return socket
    }
    const redshift = { aws: emulator.aws }
    const untrusting = new RedshiftPool({ host, database, redshift, stream: spied })
    expect((await rejection(untrusting.query('select 1'))).code).to.match(/SELF_SIGNED|UNABLE_TO_VERIFY/)
    expect(asked).to.deep.equal([[5439, host]])
    const trusting = new RedshiftPool({ host, database, redshift, stream, ssl: { ca: emulator.ca } })
    expect((await trusting.query('select session_user')).rows).to.deep.equal([{ session_user: 'IAMR:analyst' }])
    await Promise.all([untrusting.end(), trusting.end()])
  })

  it('calls AWS once for all its connections', async () => {
    const pool = create({ max: 20 })
    await Promise.all(Array.from({ length: 20 }, () => pool.query('select pg_sleep(0.01)')))
    expect(pool.totalCount).to.equal(20)
    expect(emulator.calls).to.have.length(1)
  })

  it('logs each new connection in with the current login and user', async () => {
    await using rotating = await startEmulator({ lifetimeSeconds: 8, nextRefreshSeconds: 2 })
    const pool = new RedshiftPool({
      ...rotating.poolConfig('serverless'),
      redshift: { aws: rotating.aws },
      maxUses: 1,
    })
    const first = await pool.connect()
    rotating.identity = 'IAMR:admin'
    const users = new Set<string>()
    await until('the user has changed', async () => {
      const { rows } = await pool.query('select session_user')
      users.add(rows[0].session_user)
      return users.has('IAMR:admin')
    })
    expect([...users]).to.deep.equal(['IAMR:analyst', 'IAMR:admin'])
    expect((await first.query('select session_user')).rows).to.deep.equal([{ session_user: 'IAMR:analyst' }])
    first.release()
    await pool.end()
    const serials = rotating.logins.map(({ serial = 0 }) => serial)
    expect(serials).to.deep.equal(serials.toSorted((a, b) => a - b))
    expect(rotating.logins.every(({ ok }) => ok)).to.equal(true)
    expect(serials.at(-1)).to.equal(rotating.calls.length)
  })

  it('accepts a Client, and uses pg.Client if that is undefined', async () => {
    class OwnClient extends RedshiftPgClient {}
    for (const Client of [OwnClient, undefined] as const) {
      const client = await create({ Client } as RedshiftPoolConfig).connect()
      expect(client).to.be.an.instanceOf(Client ?? RedshiftPgClient)
      client.release()
    }
  })

  it('closes the credentials that it created when it ends, but not those that it was given', async () => {
    const credentials = new RedshiftCredentials({ aws: emulator.aws })
    const given = create({ redshift: credentials })
    await given.query('select 1')
    await given.end()
    expect(await credentials.get(emulator.poolConfig('serverless'))).to.have.property('user', 'IAMR:analyst')
    for (const end of [
      (pool: pg.Pool) => pool.end(),
      (pool: pg.Pool) => new Promise<void>(resolve => pool.end(() => resolve())),
    ]) {
      const pool = create()
      const made = Reflect.get(pool.options, 'redshift') as RedshiftCredentials
      expect(made).to.be.an.instanceOf(RedshiftCredentials)
      const client = await pool.connect()
      const ended = end(pool)
      // The first end() still waits for the client, and a second one fails. Neither closes anything.
      await rejection(pool.end())
      expect(await new Promise(resolve => pool.end(resolve as () => void))).to.be.an.instanceOf(Error)
      expect(await made.get(emulator.poolConfig('serverless'))).to.have.property('user')
      client.release()
      await ended
      expect(await rejection(made.get(emulator.poolConfig('serverless')))).to.have.property(
        'code',
        'ERR_REDSHIFT_CLOSED',
      )
    }
    await credentials.close()
  })

  it('refuses an invalid configuration in its constructor', () => {
    const { host } = emulator.poolConfig('serverless')
    const cases: [config: RedshiftPoolConfig, ...names: string[]][] = [
      [{ host, database: 'dev', password: 'hunter2' }, 'password'],
      [{ host }, 'database', 'PGDATABASE'],
      [{ connectionString: `postgres://u:hunter2@${host}/dev` }, 'connectionString', 'password'],
      [{ host, database: 'dev', redshift: { durationSeconds: 5 } }, 'durationSeconds', '5', '900', '3600'],
    ]
    for (const [config, ...names] of cases)
      expectError(
        thrownBy(() => new RedshiftPool(config)),
        { code: 'ERR_REDSHIFT_OPTION', names, omits: ['hunter2'] },
      )
  })

  it('shows no secret', async () => {
    const pool = create()
    const client = await pool.connect()
    const shown = inspect(pool, { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null })
    const { password } = await new RedshiftCredentials({ aws: emulator.aws }).get(emulator.poolConfig('serverless'))
    expect(shown).to.contain('IAMR:analyst')
    for (const secret of [...Object.values(emulator.aws.credentials), password]) expect(shown).to.not.contain(secret)
    client.release()
  })

  describe('lets the process exit', () => {
    const leave = async (scene: string): Promise<unknown> => {
      const { code, signal, stdout, stderr } = await runExample('spec/programs/idler.ts', emulator, {
        env: { SCENE: scene },
        // Less than the timeout of the fetch in that program.
        deadlineMillis: 45_000,
      })
      expect({ code, signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' })
      return stdout.trim()
    }

    it('when it is idle and allowExitOnIdle is set, as does pg.Pool with its options', async () => {
      expect(await Promise.all([leave('idle'), leave('stock')])).to.deep.equal(['IAMR:analyst', 'IAMR:analyst'])
    })

    it('when its timeout is over, long before the fetch times out', async () => {
      expect(await leave('timed out')).to.equal('Connection terminated due to connection timeout')
    })
  })
})
