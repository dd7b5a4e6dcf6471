import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import type pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, type RedshiftCredentialsError, redshiftPassword } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { pgVersions } from '../support/pg-versions.js'
import { expectError, rejection } from '../support/rejection.js'
import { noSockets } from '../support/until.js'

const HOSTS = [
  'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
  'other.abc123xyz789.eu-west-1.redshift.amazonaws.com',
  'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com',
] as const
const [EXAMPLE, OTHER, SERVERLESS] = HOSTS

for (const [version, { Client, Pool }] of pgVersions)
  describe(`redshiftPassword() with ${version}`, () => {
    let emulator: RedshiftEmulator
    const open: { end(): Promise<void> }[] = []

    before(async () => {
      emulator = await startEmulator({ hosts: HOSTS, databases: ['dev', 'prod'] })
    })
    afterEach(async () => {
      await Promise.all(open.splice(0).map(it => it.end()))
      emulator.calls.length = 0
      emulator.logins.length = 0
    })
    after(() => emulator.close())

    const createPool = (config: pg.PoolConfig, host: string = EXAMPLE): pg.Pool => {
      const pool = new Pool({ ...emulator.poolConfig(host), user: 'IAM:alice', ...config })
      open.push(pool)
      return pool
    }
    /** A client, and what its password function has returned. */
    const clientThatTellsItsPassword = () => {
      const password = redshiftPassword({ aws: emulator.aws })
      let given: Promise<string> | undefined
      function listened(this: unknown, ...args: Parameters<typeof password>): Promise<string> {
        given = password.apply(this, args)
        return given
      }
      const config = { ...emulator.poolConfig(EXAMPLE), user: 'IAM:alice', password: listened as never }
      return { client: new Client(config), given: () => given }
    }
    const currentUser = async (pool: pg.Pool): Promise<unknown> =>
      (await pool.query('select session_user, current_database()')).rows[0]

    it('logs pg.Pool in as the IAM user, with cluster, region, database and user from the connection', async () => {
      const pool = createPool({ password: redshiftPassword({ aws: emulator.aws }) })
      expect(await currentUser(pool)).to.deep.equal({ session_user: 'IAM:alice', current_database: 'dev' })
      expect(emulator.calls).to.have.length(1)
      expect(emulator.calls[0]).to.deep.include({ operation: 'GetClusterCredentials', region: 'us-west-2' })
      expect(emulator.calls[0]?.parameters).to.deep.include({
        ClusterIdentifier: 'examplecluster',
        DbUser: 'alice',
        DbName: 'dev',
        AutoCreate: false,
        DurationSeconds: 900,
      })
    })

    it('leaves no password and no listener on a client that timed out while it waited', async () => {
      const { client, given } = clientThatTellsItsPassword()
      using holding = emulator.fail({ kind: 'hold' })
      const failure = rejection(client.connect())
      await holding.reached()
      // As pg does when connectionTimeoutMillis is over.
      client.connection.stream.destroy(new Error('timeout expired'))
      expect((await failure).message).to.equal('timeout expired')
      const listeners = client.connection.listenerCount('errorMessage')
      holding.clear()
      expect(await given()).to.equal('')
      expect(client.connection.listenerCount('errorMessage')).to.equal(listeners)
      await noSockets(emulator)
      expect(client).to.have.property('password', '')
    })

    it('reports a failed connection once if the fetch fails after it', async () => {
      const { client, given } = clientThatTellsItsPassword()
      const errors: (string | undefined)[] = []
      using holding = emulator.fail({ kind: 'hold' })
      using _ = emulator.fail({ kind: 'access-denied' })
      client.on('error', (error: Error) => errors.push(error.message))
      const failed = new Promise<void>(resolve =>
        client.connect((error: Error | undefined) => {
          errors.push(error?.message)
          resolve()
        }),
      )
      await holding.reached()
      client.connection.stream.destroy(new Error('timeout expired'))
      await failed
      holding.clear()
      expect(await given()).to.equal('')
      // pg would report an error in the turn after the function's.
      await turn()
      expect(errors).to.deep.equal(['timeout expired'])
    })

    it('leaves no listener on a connection after the login', async () => {
      const config = { ...emulator.poolConfig(EXAMPLE), user: 'IAM:alice' }
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      const { password } = await credentials.get(config)
      const [plain, client] = [password, redshiftPassword(credentials)].map(
        given => new Client({ ...config, password: given }),
      ) as [pg.Client, pg.Client]
      for (const each of [plain, client]) {
        open.push(each)
        await each.connect()
      }
      for (const event of ['errorMessage', 'authenticationOk', 'end'])
        expect(client.connection.listenerCount(event)).to.equal(plain.connection.listenerCount(event))
    })

    it('logs in if the server requires MD5', async () => {
      const md5 = await startEmulator({ authentication: 'md5' })
      open.push({ end: () => md5.close() })
      const pool = new Pool({ ...md5.poolConfig(), user: 'IAM:alice', password: redshiftPassword({ aws: md5.aws }) })
      expect(await currentUser(pool)).to.deep.include({ session_user: 'IAM:alice' })
      await pool.end()
    })

    it('creates the user and joins the group in an IAMA:user:group name', async () => {
      const pool = createPool({ user: 'IAMA:bob:analysts', password: redshiftPassword({ aws: emulator.aws }) })
      expect(await currentUser(pool)).to.deep.include({ session_user: 'IAMA:bob:analysts' })
      expect(emulator.calls[0]?.parameters).to.deep.include({ DbUser: 'bob', AutoCreate: true })
      expect(JSON.stringify(emulator.calls[0]?.parameters)).to.contain('analysts')
    })

    it('logs in a user with several groups, in the order in which its name has them', async () => {
      for (const user of ['IAMA:bob:writers,analysts', 'IAMA:bob:analysts,writers']) {
        const pool = createPool({ user, password: redshiftPassword({ aws: emulator.aws }) })
        expect(await currentUser(pool)).to.deep.include({ session_user: user })
      }
    })

    it('serves several pools, clusters, users and databases with one function, and fetches a login for each', async () => {
      const password = redshiftPassword({ aws: emulator.aws })
      const pools = [
        createPool({ password }),
        createPool({ password, database: 'prod' }),
        createPool({ password, user: 'IAM:bob' }),
        createPool({ password }, OTHER),
      ]
      const rows = await Promise.all(pools.map(currentUser))
      expect(rows).to.deep.equal([
        { session_user: 'IAM:alice', current_database: 'dev' },
        { session_user: 'IAM:alice', current_database: 'prod' },
        { session_user: 'IAM:bob', current_database: 'dev' },
        { session_user: 'IAM:alice', current_database: 'dev' },
      ])
      await Promise.all(pools.map(currentUser))
      expect(emulator.calls).to.have.length(4)
      expect(new Set(emulator.calls.map(call => call.region))).to.deep.equal(new Set(['us-west-2', 'eu-west-1']))
    })

    it('shares the logins of its credentials with everything else that uses them', async () => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      const pools = [
        createPool({ password: redshiftPassword(credentials) }),
        createPool({ password: redshiftPassword(credentials) }),
      ]
      await Promise.all(pools.map(currentUser))
      expect(emulator.calls).to.have.length(1)
      await credentials.close()
      const client = new Client({
        ...emulator.poolConfig(),
        user: 'IAM:alice',
        password: redshiftPassword(credentials),
      })
      expect((await rejection(client.connect())).code).to.equal('ERR_REDSHIFT_CLOSED')
    })

    it('leaves no copy of the password in the client after the login', async () => {
      const client = new Client({
        ...emulator.poolConfig(),
        user: 'IAM:alice',
        password: redshiftPassword({ aws: emulator.aws }),
      })
      open.push(client)
      await client.connect()
      const { password, connectionParameters } = client as unknown as Record<string, { password?: unknown }>
      expect([password, connectionParameters?.password]).to.deep.equal([null, null])
    })

    it('is not called by pg next to a connection string', async () => {
      let called = 0
      const config = emulator.poolConfig()
      const client = new Client({
        ...config,
        connectionString: `postgres://IAM%3Aalice@${config.host}/dev`,
        password: () => `${++called}`,
      })
      await rejection(client.connect())
      await client.end()
      expect(called).to.equal(0)
    })

    it('reads the parameters from the client if pg passes none, as before 8.19', async () => {
      const password = redshiftPassword({ aws: emulator.aws })
      const client = new Client({
        ...emulator.poolConfig(),
        user: 'IAM:alice',
        password(this: unknown) {
          return password.call(this)
        },
      } as pg.ClientConfig)
      open.push(client)
      await client.connect()
      expect((await client.query('select session_user')).rows).to.deep.equal([{ session_user: 'IAM:alice' }])
    })

    it('names the missing options if it is called without a connection', async () => {
      const alone = redshiftPassword({ aws: emulator.aws, host: EXAMPLE, database: 'dev' })
      expectError(await rejection(alone()), { code: 'ERR_REDSHIFT_OPTION', names: ['connection', 'dbUser'] })
      const complete = redshiftPassword({ aws: emulator.aws, host: EXAMPLE, database: 'dev', dbUser: 'alice' })
      expect(await complete())
        .to.be.a('string')
        .with.length.above(20)
    })

    describe('makes no request, leaves no socket open, and refuses', () => {
      const refused = async (config: pg.ClientConfig, source: Parameters<typeof redshiftPassword>[0] = {}) => {
        const options = { aws: emulator.aws, ...source }
        const client = new Client({
          ...emulator.poolConfig(),
          user: 'IAM:alice',
          ...config,
          password: redshiftPassword(options),
        })
        const error = await rejection(client.connect())
        await noSockets(emulator)
        expect(emulator.calls).to.have.length(0)
        return error as RedshiftCredentialsError
      }

      it('a user from the operating system, and names the user to set', async () => {
        const error = await refused({ user: 'root' })
        expectError(error, { code: 'ERR_REDSHIFT_USER_MISMATCH', names: ['"root"', 'user: "IAM:root"'] })
      })

      it('a host that does not contain the cluster', async () => {
        const error = await refused({ host: '127.0.0.1', ssl: { rejectUnauthorized: false } })
        expectError(error, {
          code: 'ERR_REDSHIFT_TARGET',
          names: ['"127.0.0.1"', 'clusterIdentifier', 'workgroupName'],
        })
      })

      it('a host of another cluster than the option', async () => {
        const error = await refused({}, { clusterIdentifier: 'another' })
        expectError(error, {
          code: 'ERR_REDSHIFT_TARGET',
          names: ['clusterIdentifier', 'examplecluster', 'another'],
        })
      })

      it('a database that differs from the option', async () => {
        const error = await refused({}, { database: 'prod' })
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['"dev"', '"prod"'] })
      })

      it('a database that pg derived from the user', async () => {
        const { host, port, ssl, stream } = emulator.poolConfig()
        const client = new Client({
          host,
          port,
          ssl,
          stream,
          user: 'IAM:alice',
          password: redshiftPassword({ aws: emulator.aws }),
        } as pg.ClientConfig)
        const error = await rejection(client.connect())
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['PGDATABASE', 'dbName: null'] })
        await noSockets(emulator)
      })
    })

    it('refuses a login for another user than pg has sent to the server, and closes the socket', async () => {
      const client = new Client({
        ...emulator.poolConfig(SERVERLESS),
        user: 'IAM:alice',
        password: redshiftPassword({ aws: emulator.aws }),
      })
      const error = await rejection(client.connect())
      expectError(error, {
        code: 'ERR_REDSHIFT_USER_MISMATCH',
        names: ['"IAM:alice"', '"IAMR:analyst"', 'dbUser: "alice"', 'RedshiftPool'],
      })
      expect(emulator.logins.filter(login => login.ok)).to.have.length(0)
      await noSockets(emulator)
    })

    it('refuses a connection without TLS, unless requireTls is false', async () => {
      const parameters = { host: EXAMPLE, database: 'dev', user: 'IAM:alice', ssl: false }
      const error = await rejection(redshiftPassword({ aws: emulator.aws })(parameters))
      expectError(error, { code: 'ERR_REDSHIFT_TLS', names: ['ssl: true', 'requireTls: false'] })
      expect(emulator.calls).to.have.length(0)
      const password = redshiftPassword({ aws: emulator.aws, requireTls: false })
      expect(await password(parameters))
        .to.be.a('string')
        .with.length.above(20)
    })

    it('checks TLS on the socket, not in the configuration', async () => {
      const password = redshiftPassword({ aws: emulator.aws })
      const parameters = { host: EXAMPLE, database: 'dev', user: 'IAM:alice', ssl: true }
      let destroyed = false
      const stream = {
        encrypted: false,
        destroy: () => {
          destroyed = true
        },
      }
      const error = await rejection(
        password.call({ connectionParameters: parameters, connection: { stream } }, parameters),
      )
      expect(error.code).to.equal('ERR_REDSHIFT_TLS')
      await new Promise(setImmediate)
      expect(destroyed).to.equal(true)
    })

    it('throws if pg.native would send its source code as the password', () => {
      const password = redshiftPassword() as unknown
      // biome-ignore lint/style/useTemplate: pg.native concatenates, and a template has another hint
      expect(() => '' + (password as string))
        .to.throw()
        .with.property('code', 'ERR_REDSHIFT_NATIVE')
      expect(String(password)).to.equal('redshiftPassword()')
    })

    it('gets another login for the next connection after the server has refused one', async () => {
      const own = await startEmulator()
      open.push({ end: () => own.close() })
      const credentials = new RedshiftCredentials({ aws: own.aws })
      let asked = (): void => {}
      const given = redshiftPassword(credentials)
      function password(this: unknown, ...parameters: Parameters<typeof given>): Promise<string> {
        const giving = given.apply(this, parameters)
        asked()
        return giving
      }
      const config = { ...own.poolConfig(), user: 'IAM:alice', password }
      const session = async (): Promise<void> => {
        const client = new Client(config)
        await client.connect()
        await client.end()
      }
      await session()
      own.revokeLogins()
      const holding = own.fail({ kind: 'hold' })
      expect(await rejection(new Client(config).connect())).to.have.property('code', '28000')
      // It waits for the response of AWS, because the server has accepted the login before.
      const waits = new Promise<void>(resolve => {
        asked = resolve
      })
      const next = session()
      await waits
      holding.clear()
      await next
      expect(own.logins.map(({ ok }) => ok)).to.deep.equal([true, false, true])
      expect(own.calls).to.have.length(2)
    })
  })
