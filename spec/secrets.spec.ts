import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { expect } from 'chai'
import knex from 'knex'
import pg from 'pg'
import { Sequelize } from 'sequelize'
import type { Fault, RedshiftEmulator } from '../lib/emulator/index.js'
import {
  RedshiftCredentials,
  RedshiftPgClient,
  RedshiftPool,
  redshiftBeforeConnect,
  redshiftKnexConnection,
  redshiftPassword,
  redshiftPoolOptions,
} from '../lib/index.js'
import { disclosures } from './support/disclosure.js'
import { startEmulator } from './support/emulator.js'
import { type Endpoint, forwardTo, startEndpoint } from './support/endpoint.js'
import { figure } from './support/figure.js'
import { rejection } from './support/rejection.js'

/** Every channel that we publish to, and lru-cache's own, which publish the entries of the cache. */
const CHANNELS = [
  ...['fetch-start', 'fetch-end', 'invalidate', 'store'].map(name => `pg-redshift-iam:${name}`),
  'lru-cache:metrics',
  ...['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(event => `tracing:lru-cache:${event}`),
]

const PASSWORD = /<(?:DbPassword|Token)>([^<]+)|"(?:dbPassword|token)":"([^"]+)/g

describe('No password, token or AWS key', () => {
  let emulator: RedshiftEmulator
  /** AWS, observed: every password that it returns is searched for. */
  let endpoint: Endpoint
  let aws: RedshiftEmulator['aws'] & { maxAttempts: number }
  let connection: { host: string; database: string; user: string }
  const secrets = new Set<string>()
  const messages: [string, unknown][] = []
  const printed: unknown[] = []
  const open: (() => unknown)[] = []
  let searched = 0

  const note = (message: unknown, name: string | symbol): void => void messages.push([String(name), message])
  const streams = [process.stdout, process.stderr].map(stream => ({ stream, write: stream.write }))

  before(async () => {
    emulator = await startEmulator({ databases: ['dev', 'prod'] })
    const { accessKeyId, secretAccessKey, sessionToken } = emulator.aws.credentials
    for (const secret of [accessKeyId, secretAccessKey, sessionToken]) secrets.add(secret)
    endpoint = await startEndpoint(
      forwardTo(emulator.endpoint, body => {
        for (const [, xml, json] of body.matchAll(PASSWORD)) secrets.add(xml ?? json ?? '')
      }),
    )
    aws = { ...emulator.aws, endpoint: endpoint.url, maxAttempts: 1 }
    const { host, database } = emulator.poolConfig()
    connection = { host, database, user: 'IAM:alice' }
    for (const name of CHANNELS) subscribe(name, note)
    for (const { stream, write } of streams)
      stream.write = (...args: unknown[]) => {
        printed.push(args[0])
        return write.apply(stream, args as Parameters<typeof write>)
      }
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(end => end()))
    safe({ messages, printed })
    messages.length = 0
    printed.length = 0
  })
  after(async () => {
    for (const { stream, write } of streams) stream.write = write
    for (const name of CHANNELS) unsubscribe(name, note)
    await endpoint.close()
    await emulator.close()
    figure(`${searched} objects, errors, events and messages searched for ${secrets.size} secrets: 0 found`)
  })

  /** Asserts that these values contain no secret, in any representation. */
  const safe = (subjects: Readonly<Record<string, unknown>>): void => {
    for (const [name, subject] of Object.entries(subjects)) {
      searched += Array.isArray(subject) ? subject.length : 1
      expect(disclosures(subject, [...secrets]), name).to.deep.equal([])
    }
  }
  const opened = <T>(it: T, end: (it: T) => unknown): T => {
    open.push(() => end(it))
    return it
  }
  /** The events of a pool, with all their arguments. */
  const eventsOf = (pool: pg.Pool): unknown[] => {
    const events: unknown[] = []
    for (const name of ['connect', 'acquire', 'release', 'remove', 'error'] as const)
      pool.on(name as 'connect', (...args: unknown[]) => void events.push([name, ...args]))
    return events
  }

  /** Records each token of the application. */
  const ownTokens = (tokenType: 'ACCESS_TOKEN' | 'EXT_JWT') => ({
    type: 'AwsIdc' as const,
    tokenType,
    token: () => {
      const { token } = emulator.issueToken({ tokenType })
      secrets.add(token)
      return token
    },
  })

  describe('after a success, is in', () => {
    it('credentials, their logins and their status', async () => {
      const credentials = opened(new RedshiftCredentials({ aws }), it => it.close())
      safe({ credentials })
      const provisioned = await credentials.get(connection)
      const serverless = await credentials.get({ host: emulator.poolConfig('serverless').host, database: 'dev' })
      expect([...secrets]).to.include.members([provisioned.password, serverless.password])
      safe({ credentials, provisioned, serverless, status: credentials.status() })
      // As console.dir does, which ignores custom inspection.
      const all = { showHidden: true, getters: true, customInspect: false }
      expect(inspect([provisioned, Object.getPrototypeOf(provisioned)], all)).to.not.include(provisioned.password)
      expect(messages.map(([name]) => name)).to.include.members(['pg-redshift-iam:fetch-end', 'lru-cache:metrics'])
    })

    it('no client of the AWS SDK, and no login, that lru-cache publishes', async () => {
      const credentials = opened(new RedshiftCredentials({ aws }), it => it.close())
      await credentials.get(connection)
      // Again, now that its promise is settled.
      await credentials.get({ ...connection, database: 'other' })
      const values = messages.map(([, message]) => (message as { value?: unknown }).value)
      for (const getters of [false, true])
        expect(inspect(values, { depth: 4, showHidden: true, getters, maxArrayLength: null }))
          .to.include('Entry')
          .and.not.match(/RedshiftClient|RedshiftLogin/)
    })

    it('tokens, the pools that log in with them, or the values that the application returned', async () => {
      const options = [
        { api: 'GetIdentityCenterAuthToken' as const, aws },
        { identityProvider: ownTokens('ACCESS_TOKEN') },
      ]
      for (const source of [...options, { identityProvider: ownTokens('EXT_JWT') }])
        for (const target of ['provisioned', 'serverless']) {
          const credentials = opened(new RedshiftCredentials(source), it => it.close())
          const token = await credentials.getToken(emulator.poolConfig(target))
          expect([...secrets]).to.include(token.token)
          const pool = opened(new RedshiftPool({ ...emulator.poolConfig(target), redshift: credentials }), it =>
            it.end(),
          )
          const events = eventsOf(pool)
          const client = await pool.connect()
          await client.query('select 1')
          client.release()
          safe({ credentials, token, pool, client, events, status: credentials.status() })
          const all = { showHidden: true, getters: true, customInspect: false }
          expect(inspect([token, Object.getPrototypeOf(token)], all)).to.not.include(token.token)
        }
    })

    it('a stock pool with a password function, its clients or its events', async () => {
      const password = redshiftPassword({ aws })
      const pool = opened(new pg.Pool({ ...emulator.poolConfig(), user: 'IAM:alice', password }), it => it.end())
      const events = eventsOf(pool)
      safe({ password, pool })
      const client = await pool.connect()
      safe({ client, pool, events })
      client.release()
      const again = await pool.connect()
      again.release(true)
      safe({ client, pool, events })
    })

    it('a RedshiftPool, its options, its clients or its events', async () => {
      const pool = opened(new RedshiftPool({ ...emulator.poolConfig('serverless'), redshift: { aws } }), it => it.end())
      const events = eventsOf(pool)
      safe({ pool, options: pool.options })
      const client = await pool.connect()
      safe({ client, pool, options: pool.options, events })
      client.release(true)
      await pool.query('select 1')
      safe({ client, pool, events })
    })

    it('pool options, or the stock pool that uses them', async () => {
      const options = redshiftPoolOptions({ aws, ...connection }, emulator.poolConfig())
      const pool = opened(new pg.Pool(options), it => it.end())
      safe({ options, pool })
      await pool.query('select 1')
      safe({ options, pool })
    })

    it('a RedshiftPgClient, from its construction to its end', async () => {
      const client = new RedshiftPgClient({ ...emulator.poolConfig(), user: 'IAM:alice', redshift: { aws } })
      safe({ client })
      await client.connect()
      safe({ client })
      await client.end()
      safe({ client })
    })

    it("Knex's connection object, instance or pool", async () => {
      const { stream, ssl, port } = emulator.poolConfig()
      const makeConnection = redshiftKnexConnection({ aws, ...connection }, { stream, ssl, port })
      const made = await makeConnection()
      const instance = opened(knex({ client: 'pg', connection: makeConnection }), it => it.destroy())
      safe({ makeConnection, made, instance })
      await instance.raw('select 1')
      safe({ made, client: instance.client, settings: instance.client.connectionSettings })
    })

    it("Sequelize's configuration, instance or connections", async () => {
      const { host, port, database, ssl, stream } = emulator.poolConfig()
      const hook = redshiftBeforeConnect({ aws, user: 'IAM:alice' })
      let config: unknown
      const sequelize = opened(
        new Sequelize({
          dialect: 'postgres',
          host,
          port,
          database,
          dialectOptions: { ssl, stream },
          logging: false,
          hooks: {
            beforeConnect: async given => {
              config = given
              await hook(given)
            },
          },
        }),
        it => it.close(),
      )
      await sequelize.authenticate()
      safe({ hook, config, sequelize, manager: sequelize.connectionManager })
    })

    it('the log of the AWS SDK', async () => {
      const log: unknown[] = []
      const logger = Object.fromEntries(
        ['trace', 'debug', 'info', 'warn', 'error'].map(level => [level, (...args: unknown[]) => void log.push(args)]),
      ) as unknown as Console
      const credentials = opened(new RedshiftCredentials({ aws: { ...aws, logger } }), it => it.close())
      await credentials.get(connection)
      await credentials.get({ host: emulator.poolConfig('serverless').host, database: 'dev' })
      expect(log).to.have.length.above(1)
      safe({ log })
    })
  })

  describe('after a failure, is in', () => {
    const awsFaults: Fault[] = [
      ...(['throttling', 'internal-error', 'access-denied', 'expired-token', 'invalid-token'] as const),
      ...(['signature-mismatch', 'not-found', 'unsupported', 'validation', 'reset', 'hang'] as const),
    ].map(kind => ({ kind }))
    const malformed = [
      ...(['no-user', 'empty-user', 'no-password', 'empty-password', 'no-expiration', 'nan-expiration'] as const),
      ...(['past-expiration', 'far-expiration', 'truncated', 'not-a-document', 'empty-body'] as const),
    ].map((how): Fault => ({ kind: 'malformed', how }))

    for (const target of ['provisioned', 'serverless'] as const)
      it(`the error, the status or the pool, for each way in which AWS fails to return a token (${target})`, async () => {
        const faults = [...awsFaults, ...malformed.filter(fault => !('how' in fault && /user/.test(fault.how)))]
        for (const fault of faults) {
          using _ = emulator.fail(fault)
          const fetchTimeoutMillis = fault.kind === 'hang' ? 50 : 15_000
          const source = { api: 'GetIdentityCenterAuthToken' as const, aws, fetchTimeoutMillis }
          const credentials = opened(new RedshiftCredentials(source), it => it.close())
          const error = await rejection(credentials.getToken(emulator.poolConfig(target)))
          expect(error, 'how' in fault ? fault.how : fault.kind)
            .to.have.property('code')
            .that.matches(/^ERR_REDSHIFT_/)
          const pool = opened(new RedshiftPool({ ...emulator.poolConfig(target), redshift: credentials }), it =>
            it.end(),
          )
          const events = eventsOf(pool)
          safe({ error, failure: await rejection(pool.connect()), pool, events, status: credentials.status() })
        }
      })

    it('the error or the pool, if Redshift rejects a token', async () => {
      const sources = [{ api: 'GetIdentityCenterAuthToken' as const, aws }, { identityProvider: ownTokens('EXT_JWT') }]
      for (const source of sources) {
        using _ = emulator.fail({ kind: 'reject-login' })
        const pool = opened(new RedshiftPool({ ...emulator.poolConfig(), redshift: source }), it => it.end())
        const error = await rejection(pool.connect())
        expect(error).to.have.property('code', 'ERR_REDSHIFT_LOGIN_REJECTED')
        safe({ error, pool })
      }
    })

    for (const target of ['provisioned', 'serverless'] as const)
      it(`the error, the status or the pools, for each way in which AWS fails (${target})`, async () => {
        const { host, database } = emulator.poolConfig(target)
        const user = target === 'provisioned' ? 'IAM:alice' : undefined
        for (const fault of [...awsFaults, ...malformed]) {
          const name = 'how' in fault ? fault.how : fault.kind
          using _ = emulator.fail(fault)
          const source = { aws, ...(fault.kind === 'hang' && { fetchTimeoutMillis: 50 }) }
          const credentials = opened(new RedshiftCredentials(source), it => it.close())
          const error = await rejection(credentials.get({ host, database, user }))
          expect(error, name)
            .to.have.property('code')
            .that.matches(/^ERR_REDSHIFT_/)
          const pool = opened(new RedshiftPool({ ...emulator.poolConfig(target), user, redshift: source }), it =>
            it.end(),
          )
          const stock = opened(
            new pg.Pool({ ...emulator.poolConfig(target), user: 'IAM:alice', password: redshiftPassword(source) }),
            it => it.end(),
          )
          const events = [eventsOf(pool), eventsOf(stock)]
          const errors = [error, await rejection(pool.connect()), await rejection(stock.query('select 1'))]
          safe({ [`${name}: errors`]: errors, status: credentials.status(), credentials, pool, stock, events })
        }
      })

    it('errors about a malformed response, whatever it contains, and wherever it breaks off', async () => {
      const password = 'Broken+answers/hold-this-password-0123456789abcdefghijklmnopqrstuvwxyz=='
      secrets.add(password)
      // Parsers quote a few characters around a syntax error.
      secrets.add(password.slice(0, 8))
      const xml = `<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>IAM:alice</DbUser><DbPassword>${password}</DbPassword><Expiration>`
      const json = `{"dbUser":"IAM:alice","dbPassword":"${password}","expiration":`
      const bodies = [
        xml,
        `${xml}soon</Expiration></GetClusterCredentialsResult></GetClusterCredentialsResponse>`,
        `${xml}</${password}>`,
        `<ErrorResponse><Error><Code>${password}</Code><Message>${password}</Message></Error></ErrorResponse>`,
        `<html><title>Proxy</title>${password}</html>`,
        json,
        `${json}"${password}"}`,
        `${json}{}}`,
        `{"__type":"${password}","message":"${password}"}`,
        `"${password}"`,
        password,
      ]
      const broken = await startEndpoint(() => 'drop')
      opened(broken, it => it.close())
      for (const body of bodies)
        for (const status of [200, 400, 403, 500])
          for (const target of ['provisioned', 'serverless']) {
            const type = target === 'provisioned' ? 'text/xml' : 'application/x-amz-json-1.1'
            broken.respond = () => ({ status, headers: { 'content-type': type, 'x-amzn-errortype': password }, body })
            const { host } = emulator.poolConfig(target)
            const user = target === 'provisioned' ? 'IAM:alice' : undefined
            const credentials = opened(new RedshiftCredentials({ aws: { ...aws, endpoint: broken.url } }), it =>
              it.close(),
            )
            const error = await rejection(credentials.get({ host, database: 'dev', user }))
            safe({ [`HTTP ${status} ${body.slice(0, 20)}`]: error, status: credentials.status() })
          }
    })

    it("errors about AWS credentials, even if their provider's message has some", async () => {
      const { accessKeyId, secretAccessKey, sessionToken } = emulator.aws.credentials
      for (const said of [
        `cannot read {"AccessKeyId":"${accessKeyId}","SecretAccessKey":"${secretAccessKey}","SessionToken":"${sessionToken}"}`,
        `refused\n${secretAccessKey}`,
      ]) {
        const provider = () =>
          Promise.reject(Object.assign(new Error(said), { code: said, credentials: aws.credentials }))
        const credentials = opened(new RedshiftCredentials({ aws: { ...aws, credentials: provider } }), it =>
          it.close(),
        )
        safe({ error: await rejection(credentials.get(connection)), status: credentials.status() })
      }
    })

    it('errors about a login that Redshift rejects, or the clients of rejected logins', async () => {
      const refusals: Fault[] = [
        { kind: 'reject-login' },
        { kind: 'reject-login', sqlstate: '28P01', message: 'IAM Authentication token has expired' },
        { kind: 'reject-login', sqlstate: '42704', message: 'user "IAM:alice" does not exist' },
        { kind: 'login-reset' },
        { kind: 'login-hang' },
      ]
      for (const refusal of refusals) {
        using _ = emulator.fail(refusal)
        const config = { ...emulator.poolConfig(), user: 'IAM:alice', connectionTimeoutMillis: 300 }
        const client = new RedshiftPgClient({ ...config, redshift: { aws } })
        const stock = new pg.Client({ ...config, password: redshiftPassword({ aws }) })
        const errors = [await rejection(client.connect()), await rejection(stock.connect())]
        safe({ [`${refusal.kind} errors`]: errors, client })
        await stock.end().catch(() => {})
        safe({ stock })
      }
    })

    it('errors about options and connection strings that contain one', async () => {
      const secret = 'A-permanent-password-0123456789'
      secrets.add(secret)
      const { host } = connection
      const refused = [
        () => new RedshiftCredentials({ secretAccessKey: secret } as object),
        () => new RedshiftCredentials({ aws: secret } as object),
        () =>
          new RedshiftCredentials({ aws: { credentials: { secretAccessKey: secret } }, region: [secret] } as object),
        () => new RedshiftPool({ connectionString: `postgres://alice:${secret}@${host}/dev` }),
        () => new RedshiftPool({ connectionString: `postgres://${host}/dev?password=${secret}` }),
        () => new RedshiftPool({ connectionString: `alice:${secret}@${host}:99999/dev` }),
        () => new RedshiftPool({ connectionString: `socket:alice:${secret}@${host}?host=${host}` }),
        () => new RedshiftPool({ ...connection, password: secret }),
        () => redshiftPoolOptions(connection, { password: secret }),
        () => new RedshiftPool({ ...connection, host: `postgres://alice:${secret}@${host}/dev` }),
      ]
      for (const construct of refused) {
        let error: unknown
        try {
          const made = construct()
          error = made instanceof RedshiftPool ? await rejection(made.connect()) : undefined
        } catch (thrown) {
          error = thrown
        }
        expect(error, String(construct))
          .to.have.property('code')
          .that.matches(/^ERR_REDSHIFT_/)
        safe({ [String(construct)]: error })
      }
      for (const connectionString of [`postgres://alice:${secret}@${host}/dev`, `//alice:${secret}@`]) {
        const client = new RedshiftPgClient({ connectionString })
        safe({ error: await rejection(client.connect()), client })
      }
    })
  })
})
