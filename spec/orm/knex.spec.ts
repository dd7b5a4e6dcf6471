import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import knex31 from 'knex31'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, type RedshiftKnexOptions, RedshiftPool, redshiftKnexConnection } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { expectError, rejection, thrownBy } from '../support/rejection.js'
import { until } from '../support/until.js'

const lifetimeSeconds = 6

interface Session {
  readonly pid: number
  readonly name: string
}

const session = (db: Knex): Promise<Session> =>
  db.raw('SELECT pg_backend_pid() AS pid, session_user::text AS name').then(({ rows }) => rows[0])

/** Keeps one of the pool's connections busy while it runs the function. */
const holding = <T>(db: Knex, run: (held: Session) => Promise<T>): Promise<T> =>
  db.transaction(async transaction => run(await session(transaction)))

/** One version of Knex with its own emulator. */
interface Stage {
  readonly emulator: RedshiftEmulator
  readonly credentials: RedshiftCredentials
  /** A pool that the specs share. */
  readonly db: Knex
  /** What Knex has logged, except for queries. */
  readonly warnings: string[]
  /** Creates another pool, and destroys it at the end. */
  with<T>(connection: Knex.Config['connection'], run: (db: Knex) => Promise<T>): Promise<T>
  options(own?: RedshiftKnexOptions): RedshiftKnexOptions
}

async function stage(build: typeof knex): Promise<Stage> {
  const emulator = await startEmulator({ lifetimeSeconds })
  const credentials = new RedshiftCredentials({ aws: { ...emulator.aws, maxAttempts: 1 } })
  const options = (own: RedshiftKnexOptions = {}) => ({ ...emulator.poolConfig(), ...own })
  const warnings: string[] = []
  const log = { warn: (message: string) => void warnings.push(message), error() {}, deprecate() {}, debug() {} }
  const connect = (connection: Knex.Config['connection']) =>
    build({ client: 'redshift', ...(connection && { connection }), acquireConnectionTimeout: 10_000, log })
  return {
    emulator,
    credentials,
    options,
    warnings,
    db: connect(redshiftKnexConnection(credentials, options())),
    async with(connection, run) {
      const db = connect(connection)
      return run(db).finally(() => db.destroy())
    },
  }
}

describe('redshiftKnexConnection, on Knex 3.1 and 3.3,', () => {
  const stages = new Map<string, Stage>()
  before(async () => {
    stages.set('3.1', await stage(knex31 as unknown as typeof knex))
    stages.set('3.3', await stage(knex))
  })
  after(async () => {
    for (const { db, emulator } of stages.values()) {
      await db.destroy()
      await emulator.close()
    }
  })

  /** Runs both versions at once, because some specs need the lifetime of a login. */
  const onBoth = (show: (stage: Stage) => Promise<void>) => async () => {
    const shown = [...stages].map(([version, each]) =>
      show(each).catch(error => {
        throw new Error(`Knex ${version}: ${error.message}`, { cause: error })
      }),
    )
    await Promise.all(shown)
  }

  it(
    'keeps its connection while the login has expired and AWS is down, and rejects new connections with the reason',
    onBoth(async ({ db, emulator }) => {
      const { pid } = await session(db)
      using _down = emulator.fail({ kind: 'internal-error' })
      await delay(lifetimeSeconds * 1_000)
      expect(await session(db)).to.deep.equal({ pid, name: 'IAMR:analyst' })
      const refused = await holding(db, () => rejection(session(db)))
      expect(refused).to.have.property('code', 'ERR_REDSHIFT_UNAVAILABLE')
      expect(await session(db)).to.include({ pid })
      expect(emulator.logins).to.have.lengthOf(1)
    }),
  )

  it(
    'keeps its connection when the same user gets another login, and opens new ones with that',
    onBoth(async ({ db, emulator, credentials, options }) => {
      const { pid } = await session(db)
      // The last failure is repeated until the back-off is over.
      await until('AWS gives a login', () =>
        credentials.get(options()).then(
          () => true,
          () => false,
        ),
      )
      const [held, other] = await holding(db, async held => [held, await session(db)] as const)
      expect(held.pid).to.equal(pid)
      expect(other.name).to.equal('IAMR:analyst')
      expect(emulator.logins.map(({ ok, serial }) => [ok, serial])).to.deep.equal([
        [true, 1],
        [true, 2],
      ])
    }),
  )

  it(
    'replaces the connections of the old user when AWS returns another user, without a failure, and logs that',
    onBoth(async ({ db, emulator, warnings }) => {
      emulator.identity = 'IAMR:other'
      warnings.length = 0
      // The other user is not known yet, because no login was fetched since.
      await delay(lifetimeSeconds * 1_000)
      const before = emulator.logins.length
      const users = await holding(db, first =>
        holding(db, async second => [first.name, second.name, (await session(db)).name]),
      )
      expect(users).to.deep.equal(['IAMR:analyst', 'IAMR:analyst', 'IAMR:other'])
      expect(emulator.logins.slice(before).map(({ user, ok }) => [user, ok])).to.deep.equal([['IAMR:other', true]])
      const later = await holding(db, first =>
        holding(db, async second => [first.name, second.name, (await session(db)).name]),
      )
      expect(later).to.deep.equal(['IAMR:other', 'IAMR:other', 'IAMR:other'])
      expect(warnings).to.deep.equal(Array(2).fill('Connection Error: AWS now returns a login for "IAMR:other"'))
      emulator.identity = 'IAMR:analyst'
    }),
  )

  it(
    'replaces a login that Redshift refuses, within the same connection',
    onBoth(async stage => {
      // Its logins live for 15 minutes, so that none is replaced before the server refuses it.
      await using emulator = await startEmulator()
      await using credentials = new RedshiftCredentials({ aws: emulator.aws })
      await credentials.get(emulator.poolConfig())
      emulator.revokeLogins()
      const { name } = await stage.with(redshiftKnexConnection(credentials, emulator.poolConfig()), session)
      expect(name).to.equal('IAMR:analyst')
      expect(emulator.logins.map(({ ok }) => ok)).to.deep.equal([false, true])
    }),
  )

  it(
    'works if the clock of this host is an hour fast or slow',
    onBoth(async stage => {
      for (const seconds of [3_600, -3_600]) {
        using _skew = stage.emulator.fail({ kind: 'clock-skew', seconds })
        const { aws } = stage.emulator
        stage.emulator.calls.length = 0
        await stage.with(redshiftKnexConnection({ aws }, stage.options()), async db => {
          const { pid } = await session(db)
          expect(await session(db)).to.deep.equal({ pid, name: 'IAMR:analyst' })
        })
        expect(stage.emulator.calls.filter(({ status }) => status === 200)).to.have.lengthOf(1)
      }
    }),
  )

  it(
    'looks up the host if none is set',
    onBoth(async stage => {
      const { host, port, ...options } = stage.options()
      const source = { aws: stage.emulator.aws, clusterIdentifier: 'examplecluster', region: 'us-west-2' }
      const { name } = await stage.with(redshiftKnexConnection(source, options), session)
      expect(name).to.equal('IAMR:analyst')
    }),
  )

  it(
    'uses the configured user',
    onBoth(async stage => {
      const { credentials, options } = stage
      const { name } = await stage.with(redshiftKnexConnection(credentials, options({ user: 'IAM:alice' })), session)
      expect(name).to.equal('IAM:alice')
    }),
  )

  it(
    'returns settings for a plain client if another function calls it',
    onBoth(async stage => {
      await using credentials = new RedshiftCredentials({ aws: stage.emulator.aws })
      const configure = redshiftKnexConnection(credentials, stage.options())
      const around = async () => ({ ...(await configure.call(undefined)), application_name: 'around' })
      const rows = await stage.with(around, db => db.raw('SHOW application_name').then(result => result.rows))
      expect(rows).to.deep.equal([{ application_name: 'around' }])
      const { user, password, expirationChecker } = await around()
      expect(user).to.equal('IAMR:analyst')
      expect(await password?.()).to.equal((await credentials.get(stage.options())).password)
      expect(expirationChecker?.()).to.equal(false)
    }),
  )

  it(
    'lets these settings expire once AWS returns another user, and not before',
    onBoth(async ({ emulator, options }) => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      const { expirationChecker } = await redshiftKnexConnection(credentials, options()).call(undefined)
      expect(expirationChecker?.()).to.equal(false)
      emulator.identity = 'IAMR:other'
      credentials.invalidate(await credentials.get(options()))
      // A refresh that began before the change may return the first user once more.
      await until('AWS has returned the other user', async () => {
        const { user } = await credentials.get(options())
        return user === 'IAMR:other'
      })
      expect(expirationChecker?.()).to.equal(true)
      emulator.identity = 'IAMR:analyst'
    }),
  )

  it(
    'refuses a login for another user than the configured one, called by Knex or by another function',
    onBoth(async stage => {
      const connection = redshiftKnexConnection(stage.credentials, stage.options({ user: 'IAMR:boss' }))
      for (const refused of [connection.call(undefined), stage.with(connection, session)])
        expect(await rejection(refused)).to.have.property('code', 'ERR_REDSHIFT_USER_MISMATCH')
    }),
  )

  it(
    "shows no secret in the settings or in Knex's client",
    onBoth(async ({ db, emulator, credentials, options }) => {
      await session(db)
      const { password } = await credentials.get(options())
      const { secretAccessKey, sessionToken } = emulator.aws.credentials
      const given = await redshiftKnexConnection(credentials, options()).call(undefined)
      for (const shown of [db.client, given]) {
        const text = inspect(shown, { depth: 12, showHidden: true, maxStringLength: null })
        expect(text).to.include('examplecluster')
        for (const secret of [password, secretAccessKey, sessionToken]) expect(text).not.to.include(secret)
      }
    }),
  )

  it('refuses a configuration without TLS at once', async () => {
    const build = () => redshiftKnexConnection({ host: 'localhost', database: 'dev' }, { ssl: false })
    expect(build).to.throw().with.property('code', 'ERR_REDSHIFT_TLS')
  })

  it('refuses redshift among the options of pg, and says where its options belong', () => {
    const error = thrownBy(() =>
      redshiftKnexConnection({}, { database: 'dev', redshift: { dbUser: 'alice' } } as never),
    )
    expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['redshift', 'redshiftKnexConnection'] })
  })

  it('refuses a string for ssl that would make pg crash at once, and passes on those that pg knows', async () => {
    const { emulator, with: using } = stages.get('3.3') ?? (await stage(knex))
    const build = (ssl: string) =>
      redshiftKnexConnection({ aws: emulator.aws }, { ...emulator.poolConfig(), ssl: ssl as never })
    for (const ssl of ['false', 'require'])
      expectError(
        thrownBy(() => build(ssl)),
        { code: 'ERR_REDSHIFT_OPTION', names: ['ssl', `"${ssl}"`, 'ssl: true'] },
      )
    const plain = build('no-verify')
    expect((await using(() => plain.call(undefined), session)).name).to.equal('IAMR:analyst')
    expect((await using(build('no-verify'), session)).name).to.equal('IAMR:analyst')
  })

  it('has an alternative since Knex 3.3, which accepts a RedshiftPool', async () => {
    const { emulator } = stages.get('3.3') ?? (await stage(knex))
    const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: { aws: emulator.aws } })
    const db = knex({ client: 'redshift', connectionPool: pool })
    expect(await session(db)).to.include({ name: 'IAMR:analyst' })
    await db.destroy()
    await pool.end()
  })
})
