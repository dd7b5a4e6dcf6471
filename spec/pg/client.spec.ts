import { once } from 'node:events'
import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { inspect } from 'node:util'
import { expect } from 'chai'
import type pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import {
  RedshiftCredentials,
  type RedshiftCredentialsError,
  RedshiftPgClient,
  type RedshiftPgClientConfig,
} from '../../lib/index.js'
import { clientClass } from '../../lib/pg/client.js'
import { cleanUp, startEmulator } from '../support/emulator.js'
import { pgVersions } from '../support/pg-versions.js'
import { expectError, rejection } from '../support/rejection.js'
import { noSockets } from '../support/until.js'

/** The two forms of `connect()`, each as a promise of the connected client. */
const forms: Record<string, (client: pg.Client) => Promise<unknown>> = {
  'a promise': client => client.connect(),
  'a callback': client =>
    new Promise((resolve, reject) => {
      client.connect(((error: Error | null, connected: unknown) =>
        error ? reject(error) : resolve(connected)) as never)
    }),
}

for (const [version, module] of pgVersions)
  describe(`RedshiftPgClient on ${version}`, () => {
    const Client = clientClass(module.Client)
    const open: pg.Client[] = []
    let emulator: RedshiftEmulator

    before(async () => {
      emulator = await startEmulator({ users: ['alice'], customDomains: { 'db.example.com': 'examplecluster' } })
    })
    afterEach(async () => {
      await Promise.all(open.splice(0).map(client => client.end()))
      emulator.identity = 'IAMR:analyst'
    })
    cleanUp(() => emulator)

    const create = (
      config: RedshiftPgClientConfig = {},
      host: Parameters<RedshiftEmulator['poolConfig']>[0] = 'serverless',
    ): RedshiftPgClient => {
      const client = new Client({ ...emulator.poolConfig(host), redshift: { aws: emulator.aws }, ...config })
      open.push(client)
      return client
    }
    const endWithCallback = (client: pg.Client): Promise<void> => new Promise(resolve => client.end(() => resolve()))
    const currentUser = async (client: pg.Client): Promise<unknown> =>
      (await client.query('select session_user')).rows[0].session_user

    for (const authentication of ['cleartext', 'md5', 'digest'] as const)
      for (const [form, connect] of Object.entries(forms))
        it(`logs in as the user that AWS returns, with ${authentication} authentication and ${form}`, async () => {
          const server = await startEmulator({ authentication })
          try {
            for (const [host, operation] of [
              ['serverless', 'GetCredentials'],
              ['provisioned', 'GetClusterCredentialsWithIAM'],
            ] as const) {
              const client = new Client({ ...server.poolConfig(host), redshift: { aws: server.aws } })
              expect(await connect(client)).to.equal(client)
              expect(await currentUser(client)).to.equal('IAMR:analyst')
              await client.end()
              expect(server.calls.splice(0)).to.have.length(1).and.have.nested.property('[0].operation', operation)
            }
          } finally {
            await server.close()
          }
        })

    it('logs in as a configured user, and as one that AWS creates', async () => {
      for (const user of ['IAM:alice', 'alice', 'IAMA:carol']) {
        const client = create({ user }, 'provisioned')
        await client.connect()
        expect(await currentUser(client)).to.equal(user === 'alice' ? 'IAM:alice' : user)
      }
    })

    it('logs in as a user with the same name as the database', async () => {
      const redshift = new RedshiftCredentials({ aws: emulator.aws, autoCreate: true })
      const config = { user: 'dev', database: 'dev' }
      const client = create({ ...config, redshift }, 'provisioned')
      await client.connect()
      expect(await currentUser(client)).to.equal('IAMA:dev')
      const { host } = emulator.poolConfig('provisioned')
      expect(await redshift.get({ ...config, host })).to.have.property('user', 'IAMA:dev')
      expect(emulator.calls).to.have.length(1)
    })

    it('logs in as the user of dbUser on serverless', async () => {
      const client = create({ redshift: { aws: emulator.aws, dbUser: 'alice' } })
      await client.connect()
      expect(await currentUser(client)).to.equal('IAM:alice')
      expect(emulator.calls[0]).to.deep.include({ operation: 'GetClusterCredentials' })
      expect(emulator.calls[0]?.parameters).to.include({ ClusterIdentifier: 'redshift-serverless-analytics' })
    })

    it('logs in through a custom domain name', async () => {
      const redshift = {
        aws: { ...emulator.aws, region: 'us-west-2' },
        customDomainName: 'db.example.com',
        api: 'GetClusterCredentialsWithIAM',
      } as const
      const client = create({ redshift }, 'db.example.com')
      await client.connect()
      expect(await currentUser(client)).to.equal('IAMR:analyst')
      expect(emulator.calls[0]?.parameters).to.include({ CustomDomainName: 'db.example.com' })
      expect(emulator.logins[0]).to.include({ host: 'db.example.com', ok: true })
    })

    it('shares one login among databases if dbName is null', async () => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws, dbName: null })
      for (const database of ['dev', 'postgres']) {
        const client = create({ database, redshift: credentials })
        await client.connect()
        expect((await client.query('select current_database() as name')).rows).to.deep.equal([{ name: database }])
      }
      expect(emulator.calls).to.have.length(1)
      expect(emulator.calls[0]?.parameters).to.not.have.property('dbName')
    })

    it('verifies TLS through a tunnel', async () => {
      const { host } = emulator.poolConfig('serverless')
      const tunnel = { ...emulator.address, stream: () => new Socket(), redshift: { aws: emulator.aws, host } }
      const client = create({ ...tunnel, ssl: { ca: emulator.ca, servername: host } })
      await client.connect()
      expect(await currentUser(client)).to.equal('IAMR:analyst')
      const wrong = create({ ...tunnel, ssl: { ca: emulator.ca, servername: 'elsewhere.example.com' } })
      expect(await rejection(wrong.connect())).to.have.property('code', 'ERR_TLS_CERT_ALTNAME_INVALID')
    })

    it('uses the user that AWS returns for each new connection', async () => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      const first = create({ redshift: credentials })
      await first.connect()
      expect(await currentUser(first)).to.equal('IAMR:analyst')
      emulator.identity = 'IAMR:admin'
      await credentials.close()
      const second = create({ redshift: { aws: emulator.aws } })
      await second.connect()
      expect(await currentUser(second)).to.equal('IAMR:admin')
      expect(await currentUser(first)).to.equal('IAMR:analyst')
    })

    it('refuses a login for another user than the configured one', async () => {
      const error = await rejection(create({ user: 'IAM:bob' }).connect())
      expectError(error, {
        code: 'ERR_REDSHIFT_USER_MISMATCH',
        names: ['"IAM:bob"', '"IAMR:analyst"', 'redshift: { dbUser: "bob" }'],
      })
      const named = { aws: emulator.aws, user: 'IAM:bob' }
      expect((await rejection(create({ redshift: named }).connect())).message).to.equal(error.message)
      expect(emulator.logins).to.have.length(0)
    })

    it('creates one RedshiftCredentials for all clients with the same options object', async () => {
      const redshift = { aws: emulator.aws }
      const clients = [create({ redshift }), create({ redshift })]
      await Promise.all(clients.map(client => client.connect()))
      expect(emulator.calls).to.have.length(1)
    })

    it('runs queries that were queued before the connection, in order', async () => {
      const client = create()
      const rows = [1, 2, 3].map(async n => (await client.query(`select ${n} as n`)).rows[0].n)
      await client.connect()
      expect(await Promise.all(rows)).to.deep.equal([1, 2, 3])
    })

    it('emits events and settles calls in the same order as pg.Client', async () => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      const config = { ...emulator.poolConfig('serverless') }
      const login = await credentials.get(config)
      const record = async (client: pg.Client): Promise<string[]> => {
        const events: string[] = []
        for (const event of ['connect', 'drain', 'end', 'error', 'notice'] as const)
          client.on(event, () => void events.push(event))
        await new Promise<void>(resolve => client.connect((() => resolve(void events.push('callback'))) as never))
        await client.query('select 1').then(
          () => events.push('row'),
          () => events.push('failed'),
        )
        await client.end()
        events.push('ended')
        await delay(20)
        return events
      }
      const stock = { ...config, user: login.user, password: login.password }
      for (const change of [{}, { database: 'nosuch' }, { ssl: true }]) {
        const redshift = new RedshiftCredentials({ aws: emulator.aws, dbName: null })
        const all = 'database' in change ? await redshift.get(config) : login
        const expected = await record(new module.Client({ ...stock, password: all.password, ...change }))
        expect(await record(new Client({ ...config, redshift, ...change }))).to.deep.equal(expected)
        expect(expected).to.include('callback').and.include('end')
      }
    })

    describe('fails its queued queries and emits end, as pg.Client does,', () => {
      const eventsOf = async (client: pg.Client, endWhen?: Promise<unknown>): Promise<string[]> => {
        const events: string[] = []
        const ended = new Promise<void>(resolve => client.on('end', () => resolve(void events.push('end'))))
        const queries = [1, 2].map(n =>
          client.query('select 1').catch(error => void events.push(`query ${n}: ${error.message}`)),
        )
        const connected = client.connect().catch(error => void events.push(`connect: ${error.message}`))
        await endWhen
        if (endWhen) await client.end()
        await Promise.all([connected, ...queries, ended])
        await client.end()
        await delay(10)
        return events.toSorted()
      }
      const looksUp = (config: RedshiftPgClientConfig = {}): pg.Client =>
        create({
          host: undefined,
          redshift: { aws: emulator.aws, workgroupName: 'analytics', region: 'us-west-2' },
          ...config,
        } as never)
      const all = (message: string) => [`connect: ${message}`, 'end', `query 1: ${message}`, `query 2: ${message}`]

      it('if the look-up of its address fails', async () => {
        using _ = emulator.fail({ kind: 'not-found' }, { operation: 'GetWorkgroup' })
        const events = await eventsOf(looksUp())
        expect(events).to.have.length(4)
        for (const event of events.filter(event => event !== 'end'))
          expect(event).to.match(/^(connect|query \d): .*workgroup "analytics" /)
      })

      it('if the look-up times out', async () => {
        using _ = emulator.fail({ kind: 'hold' }, { operation: 'GetWorkgroup' })
        expect(await eventsOf(looksUp({ connectionTimeoutMillis: 100 }))).to.deep.equal(all('timeout expired'))
      })

      it('if end() is called meanwhile', async () => {
        using holding = emulator.fail({ kind: 'hold' }, { operation: 'GetWorkgroup' })
        expect(await eventsOf(looksUp(), holding.reached())).to.deep.equal(all('Connection terminated'))
      })

      it('if end() is called meanwhile, with a callback that throws', async () => {
        using holding = emulator.fail({ kind: 'hold' }, { operation: 'GetWorkgroup' })
        const client = looksUp()
        const connecting = rejection(client.connect())
        await holding.reached()
        const end = () =>
          client.end(() => {
            throw new Error('It throws.')
          })
        expect(end).to.throw('It throws.')
        expect((await connecting).message).to.equal('Connection terminated')
      })

      it('if its configuration is refused', async () => {
        const events = await eventsOf(create({ ssl: false }))
        expect(events).to.have.length(4)
        for (const event of events.filter(event => event !== 'end'))
          expect(event).to.match(/: The connection is not encrypted/)
      })

      it('and only once if pg does so itself', async () => {
        const events = await eventsOf(create({ ssl: true }))
        expect(events).to.have.length(4).and.include('query 2: Connection terminated unexpectedly')
      })
    })

    describe('like pg.Client,', () => {
      /** Does the same with pg.Client, with a ready login, and with RedshiftPgClient. */
      const onBoth = async <T>(run: (make: (config?: pg.ClientConfig) => pg.Client) => Promise<T>): Promise<T> => {
        const base = emulator.poolConfig('serverless')
        const redshift = new RedshiftCredentials({ aws: emulator.aws })
        const { user, password } = await redshift.get(base)
        const expected = await run(config => new module.Client({ ...base, user, password, ...config }))
        expect(await run(config => new Client({ ...base, redshift, ...config }))).to.deep.equal(expected)
        return expected
      }

      it("uses pg's deprecated option Promise", async () => {
        class Own<T> extends Promise<T> {}
        const forms = await onBoth(async make => {
          const client = make({ Promise: Own } as pg.ClientConfig)
          const connecting = client.connect()
          await connecting
          const querying = client.query('select 1')
          await querying
          const ending = client.end()
          await ending
          return [connecting, querying, ending].map(promise => promise instanceof Own)
        })
        expect(forms).to.deep.equal([true, true, true])
      })

      it('connects in the callback of an earlier end()', async function () {
        // Older versions of pg call the callback a second time.
        if (module !== pgVersions[0]?.[1]) return this.skip()
        const events = await onBoth(async make => {
          const client = make()
          const seen: unknown[] = []
          await new Promise<void>((resolve, reject) => {
            client.end(() => {
              seen.push('ended')
              client.connect(((error?: Error) => (error ? reject(error) : resolve())) as never)
            })
          })
          seen.push('connected')
          await client.end()
          return seen
        })
        expect(events).to.deep.equal(['ended', 'connected'])
      })

      it('completes its pipelined queries if end() is called while it connects', async function () {
        if (!('pipeline' in new module.Client())) return this.skip()
        const run = async (make: (config?: pg.ClientConfig) => pg.Client) => {
          const seen: unknown[] = []
          for (const form of [(client: pg.Client) => client.end(), endWithCallback]) {
            const client = make({ pipeline: true })
            const connecting = client.connect().then(() => seen.push('connected'))
            const queries = [1, 2].map(n => client.query(`select ${n} as n`))
            const ended = form(client)
            const late = rejection(client.query('select 3'))
            seen.push(
              (await Promise.all(queries)).map(({ rows }) => rows[0].n),
              (await late).message,
            )
            await Promise.all([connecting, ended])
          }
          return seen
        }
        expect(await onBoth(run)).to.deep.include([1, 2])
        // The same with an address that is looked up first, and with a login that is replaced.
        const redshift = new RedshiftCredentials({ aws: emulator.aws, workgroupName: 'analytics', region: 'us-west-2' })
        const { host: _, ...config } = emulator.poolConfig('serverless')
        expect(await run(more => new Client({ ...config, redshift, ...more }))).to.deep.include([1, 2])
      })
    })

    it('rejects connect() if the server closes the connection while end() waits for pipelined queries', async function () {
      if (!('pipeline' in new module.Client())) return this.skip()
      using _ = emulator.fail({ kind: 'login-reset' })
      for (const form of [(client: pg.Client) => client.end(), endWithCallback]) {
        const client = create({ pipeline: true } as pg.ClientConfig)
        const results = [rejection(client.connect()), rejection(client.query('select 1'))]
        await form(client)
        for (const { message } of await Promise.all(results)) expect(message).to.equal('Connection terminated')
      }
    })

    it('leaves no unhandled rejection if end() aborts a connect() that nobody awaits', async () => {
      for (const config of [{}, { connectionTimeoutMillis: 5_000 }]) {
        const client = create(config)
        client.connect()
        await client.end()
        // A caller that awaits it receives the rejection.
        const awaited = create(config)
        const connecting = awaited.connect()
        await awaited.end()
        expect((await rejection(connecting)).message).to.equal('Connection terminated')
      }
    })

    describe('passes on unchanged', () => {
      const fails = async (
        config: RedshiftPgClientConfig,
        host?: 'provisioned',
      ): Promise<Error & { code?: string }> => {
        const errors = []
        for (const connect of Object.values(forms)) errors.push(await rejection(connect(create(config, host))))
        expect(errors[0]?.message).to.equal(errors[1]?.message)
        await noSockets(emulator)
        return errors[0] as Error
      }

      it("the server's refusal of the database", async () => {
        const error = await fails({ database: 'nosuch', redshift: { aws: emulator.aws, dbName: null } })
        expect(error).to.be.an.instanceOf(module.DatabaseError)
        expect(error).to.include({ code: '3D000', severity: 'FATAL' })
      })

      it("the server's error about a user that does not exist", async () => {
        const error = await fails({ user: 'IAM:nobody' }, 'provisioned')
        expect(error).to.be.an.instanceOf(module.DatabaseError)
        expect(error).to.include({ code: '42704', message: 'user "IAM:nobody" does not exist' })
      })

      it('a refused connection', async () => {
        const gone = await startEmulator()
        const { port } = gone.address
        await gone.close()
        const error = await fails({
          stream: () => new Socket(),
          host: '127.0.0.1',
          port,
          redshift: { aws: emulator.aws, host: emulator.poolConfig('serverless').host },
        })
        expect(error).to.include({ code: 'ECONNREFUSED', syscall: 'connect', port })
      })

      it('a certificate that cannot be verified', async () => {
        const error = await fails({ ssl: true })
        expect(error.code).to.match(/SELF_SIGNED|UNABLE_TO_VERIFY/)
        expect(emulator.logins).to.have.length(0)
      })

      it('a connection that the server drops', async () => {
        using _ = emulator.fail({ kind: 'login-reset' })
        expect(['Connection terminated unexpectedly', 'read ECONNRESET']).to.include((await fails({})).message)
      })

      it("AWS's error", async () => {
        using _ = emulator.fail({ kind: 'access-denied' })
        expect(await fails({})).to.have.property('code', 'ERR_REDSHIFT_ACCESS_DENIED')
      })
    })

    describe('rejects connect(), and does not throw elsewhere, for', () => {
      const refused = async (config: RedshiftPgClientConfig | string): Promise<RedshiftCredentialsError> => {
        const redshift = { aws: { ...emulator.aws, credentials: async () => emulator.aws.credentials } }
        const errors = []
        for (const connect of Object.values(forms)) {
          const client =
            typeof config === 'string'
              ? new Client(config)
              : new Client({ ...emulator.poolConfig('serverless'), redshift, ...config })
          errors.push(await rejection(connect(client)))
          await client.end()
        }
        const pool = new module.Pool({
          ...emulator.poolConfig('serverless'),
          ...(typeof config === 'string' ? { connectionString: config } : { redshift, ...config }),
          Client,
        })
        errors.push(await rejection(pool.query('select 1')))
        expect(pool.totalCount).to.equal(0)
        await pool.end()
        for (const error of errors) expect(error.message).to.equal(errors[0]?.message)
        expect(emulator.calls).to.have.length(0)
        return errors[0] as RedshiftCredentialsError
      }

      it('a password', async () => {
        const error = await refused({ password: 'hunter2' })
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['password', 'AWS'] })
        expect(inspect(error)).to.not.contain('hunter2')
      })

      it('a missing database', async () => {
        const error = await refused({ database: '' })
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['database', 'PGDATABASE'], omits: ['dbName'] })
      })

      it('a connection without TLS', async () => {
        const error = await refused({ ssl: false })
        expectError(error, { code: 'ERR_REDSHIFT_TLS', names: ['ssl: true', 'requireTls: false'] })
      })

      it('a string for ssl that would make pg crash', async () => {
        const error = await refused({ ssl: 'false' as never })
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['ssl', '"false"', 'ssl: true'] })
      })

      it('an invalid port', async () => {
        const error = await refused({ port: 70_000 })
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['port', '70000', '65535'] })
      })

      it('an unknown option', async () => {
        const error = await refused({ redshift: { cluster: 'x' } as never })
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['"cluster"', 'clusterIdentifier'] })
      })

      it('its own errors in an environment that pg refuses', async () => {
        for (const negotiation of ['direct', 'bogus']) {
          process.env.PGSSLNEGOTIATION = negotiation
          try {
            expect((await refused({ password: 'hunter2' })).code).to.equal('ERR_REDSHIFT_OPTION')
            expect(await refused({ ssl: false })).to.be.an.instanceOf(Error)
          } finally {
            delete process.env.PGSSLNEGOTIATION
          }
        }
      })

      it('TLS options in which pg cannot hide the key', async () => {
        // The constructor of pg.Pool throws itself.
        const client = create({ ssl: Object.freeze({ ca: emulator.ca, key: 'hunter2' }) })
        expect((await rejection(client.connect())).message).to.match(/^Cannot redefine property: key/)
      })

      it("errors of pg's own constructor", async () => {
        const { host } = emulator.poolConfig('serverless')
        const error = await refused(`postgres://${host}/dev?sslrootcert=/nosuch.pem`)
        expect(error).to.have.property('code', 'ENOENT')
      })
    })

    it('connects without TLS if requireTls is false', async () => {
      const error = await rejection(
        create({ ssl: false, redshift: { aws: emulator.aws, requireTls: false } }).connect(),
      )
      expectError(error, { code: 'ERR_REDSHIFT_LOGIN_REJECTED', names: ['"IAMR:analyst"', 'TLS'] })
      for (const login of emulator.logins) expect(login).to.include({ tls: false, ok: false })
    })

    it('connects over a stream that is already encrypted, as cloud connectors return', async () => {
      const { host, port } = emulator.poolConfig('serverless')
      const socket: Socket = emulator.stream().connect(port, host)
      await once(socket, 'connect')
      // PostgreSQL's SSLRequest.
      socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
      expect(String((await once(socket, 'data'))[0])).to.equal('S')
      const stream = connectTls({ socket, ca: emulator.ca, servername: host })
      await once(stream, 'secureConnect')
      stream.connect = () => {
        process.nextTick(() => stream.emit('connect'))
        return stream
      }
      const client = create({ stream: () => stream, ssl: false, redshift: { aws: emulator.aws, requireTls: false } })
      await client.connect()
      expect(await currentUser(client)).to.equal('IAMR:analyst')
      expect(emulator.logins[0]).to.include({ tls: true, ok: true })
    })

    it("rejects a second connect() with pg's error, and lets the first one continue", async () => {
      for (const connect of Object.values(forms)) {
        const client = create()
        const first = connect(client)
        for (const again of Object.values(forms))
          expect(await rejection(again(client))).to.have.property(
            'message',
            'Client has already been connected. You cannot reuse a client.',
          )
        await first
        expect(await currentUser(client)).to.equal('IAMR:analyst')
        expect(await rejection(client.connect())).to.have.property(
          'message',
          'Client has already been connected. You cannot reuse a client.',
        )
      }
    })

    it('keeps no password after connecting or failing, and never shows a secret', async () => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      const { password } = await credentials.get(emulator.poolConfig('serverless'))
      const { secretAccessKey, sessionToken } = emulator.aws.credentials
      const shown = (client: unknown): string =>
        inspect(client, { depth: null, showHidden: true, maxStringLength: null })
      const check = (client: pg.Client): void => {
        for (const secret of [password, secretAccessKey, sessionToken]) expect(shown(client)).to.not.contain(secret)
        expect(client).to.have.property('password', null)
        expect(client).to.have.nested.property('connectionParameters.password', null)
      }
      const client = create({ redshift: credentials })
      expect(shown(client)).to.contain('connectionParameters').and.not.contain(password)
      await client.connect()
      check(client)
      expect(Object.keys(client)).to.not.include('password')
      for (const kind of ['login-reset', 'reject-login'] as const) {
        using _ = emulator.fail({ kind })
        const failing = create({ redshift: credentials })
        const error = await rejection(failing.connect())
        check(failing)
        expect(shown(error)).to.not.contain(password)
      }
      const direct = create({ redshift: { aws: emulator.aws } })
      await direct.connect()
      check(direct)
    })
  })

// A describe of its own, because it throws an uncaught exception on purpose.
describe('An exception in the callback of connect()', () => {
  it('is an uncaught exception, as with pg.Client, and not an unhandled rejection', async () => {
    await using emulator = await startEmulator()
    using _ = emulator.fail({ kind: 'access-denied' })
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const thrown = new Promise<unknown[]>(resolve =>
      process.once('uncaughtException', (error, origin) => resolve([error.message, origin])),
    )
    try {
      const client = new RedshiftPgClient({ ...emulator.poolConfig(), redshift: { aws: emulator.aws } })
      client.connect(() => {
        throw new Error('not of ours')
      })
      expect(await thrown).to.deep.equal(['not of ours', 'uncaughtException'])
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })
})
