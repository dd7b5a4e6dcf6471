import { createRequire } from 'node:module'
import { connect, type Socket } from 'node:net'
import { MikroORM } from '@mikro-orm/postgresql'
import { PrismaPg } from '@prisma/adapter-pg'
import { expect } from 'chai'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import knex from 'knex'
import { Kysely, sql as kyselySql, PostgresDialect } from 'kysely'
import pg from 'pg'
import pgPromise from 'pg-promise'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import {
  RedshiftCredentials,
  RedshiftPgClient,
  RedshiftPool,
  redshiftPassword,
  redshiftPoolOptions,
} from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'
import { until } from '../support/until.js'

const require = createRequire(import.meta.url)

describe('The warnings of docs/orms.md:', () => {
  let emulator: RedshiftEmulator
  let credentials: RedshiftCredentials
  before(async () => {
    emulator = await startEmulator({ users: ['alice'] })
    credentials = new RedshiftCredentials({ aws: emulator.aws })
  })
  afterEach(() => {
    emulator.calls.length = emulator.logins.length = 0
  })
  after(() => emulator.close())

  it('TypeORM calls a password function, but not next to a url', async () => {
    const { host, database, ssl, stream } = emulator.poolConfig()
    let calls = 0
    const password = redshiftPassword(credentials)
    const counted = function (this: unknown, ...given: Parameters<typeof password>) {
      calls++
      return password.apply(this, given)
    }
    const build = (where: object) =>
      new DataSource({ type: 'postgres', ...where, password: counted as never, ssl, extra: { stream } })
    const parts = await build({ host, port: 5439, database, username: 'IAM:alice' }).initialize()
    await parts.destroy()
    expect(calls).to.equal(1)
    const url = `postgres://${encodeURIComponent('IAM:alice')}@${host}:5439/${database}`
    expect(await rejection(build({ url }).initialize())).to.have.property('code', '28000')
    expect(calls).to.equal(1)
    expect(emulator.logins.map(({ user, ok }) => [user, ok])).to.deep.equal([
      ['IAM:alice', true],
      ['IAM:alice', false],
    ])
  })

  it('TypeORM with replication prefers the host in extra to that of a slave', async () => {
    const { host, database } = emulator.poolConfig()
    const slave = emulator.poolConfig('serverless').host
    const db = new DataSource({
      type: 'postgres',
      installExtensions: false,
      replication: { master: { host, database }, slaves: [{ host: slave, database }] },
      extra: redshiftPoolOptions(credentials, emulator.poolConfig()),
    })
    await db.initialize()
    const reader = db.createQueryRunner('slave')
    await reader.query('SELECT 1')
    await reader.release()
    await db.destroy()
    expect(new Set(emulator.logins.map(login => login.host))).to.deep.equal(new Set([host]))
    expect(emulator.logins).to.have.length.above(1)
  })

  it('MikroORM uses its own default host if none is set', async () => {
    const { ssl, stream } = emulator.poolConfig()
    const destinationOf = async (source: object): Promise<unknown[]> => {
      const asked: unknown[] = []
      const spied = () => {
        const socket: Socket = stream()
        const open = socket.connect as (...args: unknown[]) => Socket
        socket.connect = (...args: unknown[]) => {
          asked.push(...args)
          return open.apply(socket, args)
        }
        return socket
      }
      const driverOptions = redshiftPoolOptions(
        { aws: emulator.aws, ...source },
        { database: 'dev', ssl, stream: spied },
      )
      const orm = await MikroORM.init({
        dbName: 'dev',
        user: '',
        driverOptions,
        discovery: { warnWhenNoEntities: false },
      })
      await orm.em.execute('SELECT 1').catch(() => {})
      await orm.close()
      return asked.slice(0, 2)
    }
    const { host } = emulator.poolConfig()
    expect(await destinationOf({ clusterIdentifier: 'examplecluster', region: 'us-west-2' })).to.deep.equal([
      5432,
      '127.0.0.1',
    ])
    expect(await destinationOf({ host })).to.deep.equal([5439, host])
  })

  it('Drizzle accepts a pool', async () => {
    const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: credentials })
    const db = drizzle({ client: pool })
    const { rows } = await db.execute(sql`SELECT session_user::text AS name`)
    expect(rows).to.deep.equal([{ name: 'IAMR:analyst' }])
    expect(db.$client).to.equal(pool)
    await pool.end()
  })

  describe('Drizzle, Kysely, and Knex with a pool fail the next query after a connection is lost within a transaction', () => {
    type Run = (text: string) => Promise<unknown>
    const pid = 'SELECT pg_backend_pid() AS pid'
    /** Runs a transaction with each library, to its end. */
    const libraries: Record<string, (pool: pg.Pool, within: (run: Run) => Promise<unknown>) => Promise<unknown>> = {
      Drizzle: (pool, within) => drizzle({ client: pool }).transaction(tx => within(text => tx.execute(sql.raw(text)))),
      Kysely: (pool, within) =>
        new Kysely({ dialect: new PostgresDialect({ pool }) })
          .transaction()
          .execute(tx => within(text => kyselySql.raw(text).execute(tx))),
      Knex: (pool, within) =>
        knex({ client: 'redshift', connectionPool: pool }).transaction(tx => within(async text => tx.raw(text))),
    }
    for (const [library, transact] of Object.entries(libraries))
      it(`with both listeners: ${library}`, async () => {
        const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: credentials })
        const seen: string[] = []
        pool.on('error', () => seen.push('an idle one'))
        pool.on('connect', client => client.on('error', () => seen.push('one in use')))
        const lost = transact(pool, async run => {
          const { rows } = (await run(pid)) as { rows: { pid: number }[] }
          await emulator.query(`SELECT pg_terminate_backend(${rows[0]?.pid})`)
          await until('the connection is lost', () => seen.length > 0)
          await run(pid)
        })
        expect(await rejection(lost)).to.be.an.instanceOf(Error)
        expect(seen).to.include('one in use').and.not.include('an idle one')
        const { rows } = await pool.query('SELECT 1 AS one')
        expect(rows).to.deep.equal([{ one: 1 }])
        await pool.end()
      })
  })

  it('Prisma mistakes a pool of another copy of pg for options, and connects to localhost', async () => {
    /** The host that Prisma's own pool would connect to. It opens no connection. */
    const destination = async (pool: pg.Pool) => {
      const adapter = await new PrismaPg(pool).connect()
      const used: pg.Pool = adapter.underlyingDriver()
      const { host, port } = new pg.Client({ host: used.options.host, port: used.options.port })
      await adapter.dispose()
      await pool.end()
      return { own: used === pool, host, port }
    }
    const options = redshiftPoolOptions(credentials, emulator.poolConfig())
    const { host } = emulator.poolConfig()
    expect(await destination(new pg.Pool(options))).to.include({ own: true, host })
    const another: typeof pg = require('pg-oldest')
    expect(await destination(new another.Pool(options))).to.deep.equal({ own: false, host: 'localhost', port: 5432 })
  })

  it('pg-promise creates a plain client for connect({ direct: true }), which needs a configured user', async () => {
    const pgp = pgPromise()
    const open = (config: object) =>
      pgp(redshiftPoolOptions(credentials, { ...emulator.poolConfig(), ...config, Client: pgp.pg.Client }) as object)
    const [chosen, named] = [open({}), open({ user: 'IAM:alice' })]
    expect(await chosen.one('SELECT session_user::text AS name')).to.deep.equal({ name: 'IAMR:analyst' })
    const { code } = await rejection(chosen.connect({ direct: true }))
    // pg sends the operating system's account, or none.
    expect(code).to.be.oneOf(['ERR_REDSHIFT_USER_MISMATCH', '28000'])
    const direct = await named.connect({ direct: true })
    expect(direct.client.constructor).to.equal(pgp.pg.Client)
    expect(await direct.one('SELECT session_user::text AS name')).to.deep.equal({ name: 'IAM:alice' })
    await direct.done()
    await Promise.all([chosen.$pool.end(), named.$pool.end()])
  })

  it('postgres.js does not replace a login that Redshift refuses before it is stale', async () => {
    await using own = await startEmulator()
    const { ssl, stream, port, ...named } = { ...own.poolConfig(), user: 'IAM:alice' }
    const redshift = new RedshiftCredentials({ ...named, aws: own.aws })
    const password = redshiftPassword(redshift)
    const query = async (): Promise<void> => {
      const db = postgres({
        ...named,
        port,
        ssl,
        fetch_types: false,
        password: () => password(),
        // Missing in its types: a socket to use instead of host and port.
        ...{ socket: () => Object.assign(connect(own.address), named) },
      })
      await db`SELECT 1`.finally(() => db.end())
    }
    await query()
    own.revokeLogins()
    for (const _ of [1, 2]) expect(await rejection(query())).to.have.property('code', '28000')
    expect(own.calls).to.have.lengthOf(1)
    // Another client of the same credentials reports the refusal.
    const client = new RedshiftPgClient({ ...named, port, ssl, stream, redshift })
    await client.connect()
    await client.end()
    expect(own.logins.map(({ ok, serial }) => [ok, serial])).to.deep.equal([
      [true, 1],
      [false, 1],
      [false, 1],
      [false, 1],
      [true, 2],
    ])
  })
})
