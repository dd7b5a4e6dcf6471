import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import pg from 'pg'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import {
  RedshiftCredentials,
  type RedshiftCredentialsError,
  type RedshiftOptions,
  RedshiftPgClient,
  RedshiftPool,
  type RedshiftPoolConfig,
  redshiftBeforeConnect,
  redshiftKnexConnection,
  redshiftPassword,
  redshiftPoolOptions,
} from '../lib/index.js'
import { compiled } from './support/compiled.js'
import { cleanUp, startEmulator } from './support/emulator.js'
import { expectError, rejection } from './support/rejection.js'

const HOST = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'

/** A second copy of the package, as a bundler, npm or a test runner may load it. */
/** Another copy of the package, such as a second version in the dependency tree. */
const importCopy = (): Promise<typeof import('../lib/index.js')> => import(compiled('lib/index.ts'))

/** A Proxy whose properties can be read, but not listed. */
const hiding = (values: object): object => new Proxy({}, { get: (_, name) => Reflect.get(values, name) })

/** The error that a promise rejects with, or that a synchronous call throws. */
async function refusal(attempt: () => unknown): Promise<RedshiftCredentialsError> {
  try {
    await attempt()
  } catch (error) {
    return error as RedshiftCredentialsError
  }
  throw new Error('It was not refused.')
}

describe('What a caller passes', () => {
  let emulator: RedshiftEmulator
  const pools: pg.Pool[] = []

  before(async () => {
    emulator = await startEmulator()
  })
  afterEach(async () => {
    await Promise.all(pools.splice(0).map(pool => pool.ending || pool.end()))
  })
  cleanUp(() => emulator)

  const track = <P extends pg.Pool>(pool: P): P => {
    pools.push(pool)
    return pool
  }
  const create = (config: RedshiftPoolConfig): RedshiftPool =>
    track(new RedshiftPool({ ...emulator.poolConfig('serverless'), redshift: { aws: emulator.aws }, ...config }))
  const currentUser = async (pool: pg.Pool | pg.Client): Promise<unknown> =>
    (await pool.query('select current_user')).rows[0].current_user
  const connectOnce = async (client: pg.Client): Promise<void> => {
    await client.connect().finally(() => client.end())
  }

  /** Every way to pass a source of the login. */
  const sources: Readonly<Record<string, (source: never) => unknown>> = {
    'redshiftPassword()': source => redshiftPassword(source),
    RedshiftCredentials: source => new RedshiftCredentials(source),
    RedshiftPgClient: source =>
      connectOnce(new RedshiftPgClient({ ...emulator.poolConfig('serverless'), redshift: source })),
    RedshiftPool: source => new RedshiftPool({ host: HOST, database: 'dev', redshift: source }),
    'redshiftPoolOptions()': source => redshiftPoolOptions(source, { host: HOST, database: 'dev' }),
    'redshiftKnexConnection()': source => redshiftKnexConnection(source, { host: HOST, database: 'dev' }),
    'redshiftBeforeConnect()': source => redshiftBeforeConnect(source),
  }

  /** Every way to pass a configuration of pg. */
  const configurations: Readonly<Record<string, (config: never) => unknown>> = {
    RedshiftPgClient: config => connectOnce(new RedshiftPgClient(config)),
    RedshiftPool: config => new RedshiftPool(config),
    'redshiftPoolOptions()': config => redshiftPoolOptions({}, config),
    'redshiftKnexConnection()': config => redshiftKnexConnection({}, config),
  }

  describe('as the source of the login, in', () => {
    const options: RedshiftOptions = { host: HOST, database: 'dev', dbUser: 'alice' }
    class Settings {
      readonly #options = options
      get dbUser() {
        return this.#options.dbUser
      }
    }
    const lost: Readonly<Record<string, [source: unknown, ...names: string[]]>> = {
      'a promise': [Promise.resolve(options), 'promise'],
      'a Map': [new Map(Object.entries(options)), 'Map', 'object'],
      'an instance with getters': [new Settings(), 'Settings', 'object'],
      'an object that inherits its options': [Object.create(options), 'inherited', 'object'],
      'an array': [[options], 'array', 'object'],
      'a Proxy that lists nothing': [hiding(options), 'Proxy', 'object'],
      'a function': [() => options, 'a function', 'object'],
      null: [null, 'null', 'object'],
      'a host': [HOST, `"${HOST}"`, 'object'],
      'a copy of credentials': [{ ...new RedshiftCredentials(options) }, 'copy', 'RedshiftCredentials'],
      'a structured clone of credentials': [
        structuredClone(new RedshiftCredentials(options)),
        'copy',
        'RedshiftCredentials',
      ],
      'JSON of credentials': [
        JSON.parse(JSON.stringify(new RedshiftCredentials(options))),
        'copy',
        'RedshiftCredentials',
      ],
      'an object with the prototype of credentials': [
        Object.create(RedshiftCredentials.prototype),
        'RedshiftCredentials',
        '`npm ls pg-redshift-iam`',
      ],
    }
    for (const [entry, give] of Object.entries(sources)) {
      describe(entry, () => {
        for (const [title, [source, ...names]] of Object.entries(lost))
          it(`${title} is rejected`, async () => {
            expectError(await refusal(() => give(source as never)), { code: 'ERR_REDSHIFT_OPTION', names })
            expect(emulator.logins).to.have.length(0)
          })

        it('credentials of another copy of the package are rejected by name', async () => {
          const { RedshiftCredentials: Other } = await importCopy()
          expect(Other).to.not.equal(RedshiftCredentials)
          const error = await refusal(() => give(new Other(options) as never))
          expectError(error, {
            code: 'ERR_REDSHIFT_OPTION',
            names: ['RedshiftCredentials', '`npm ls pg-redshift-iam`'],
          })
        })
      })
    }

    it('a plain object is accepted, with or without a prototype, frozen, of another realm or behind a Proxy', async () => {
      const plain = { aws: emulator.aws, dbUser: 'alice' }
      for (const redshift of [
        Object.assign(Object.create(null), plain),
        Object.freeze({ ...plain }),
        runInNewContext('({ aws, dbUser })', plain),
        new Proxy(plain, {}),
        {
          ...plain,
          get dbUser() {
            return 'alice'
          },
        },
      ])
        expect(await currentUser(create({ redshift }))).to.equal('alice')
    })
  })

  describe('as the configuration of pg, in', () => {
    for (const [entry, give] of Object.entries(configurations))
      it(`${entry}, is rejected if it is not a plain object`, async () => {
        const config = { host: HOST, database: 'dev' }
        for (const [given, kind] of [
          [Promise.resolve(config), 'promise'],
          [new Map(Object.entries(config)), 'Map'],
          [Object.create(config), 'inherited'],
          [hiding(config), 'Proxy'],
          [null, 'null'],
        ] as const)
          expectError(await refusal(() => give(given as never)), { code: 'ERR_REDSHIFT_OPTION', names: [kind] })
      })
  })

  describe('as the connection of a login', () => {
    const defaults = { host: HOST, database: 'dev', dbUser: 'alice' }
    const entries: Readonly<Record<string, (connection: never) => Promise<unknown>>> = {
      'get()': connection => new RedshiftCredentials({ ...defaults, aws: emulator.aws }).get(connection),
      'a password function': connection => redshiftPassword({ ...defaults, aws: emulator.aws })(connection),
    }
    for (const [entry, give] of Object.entries(entries))
      it(`is rejected by ${entry} if its properties cannot be read`, async () => {
        const connection = { host: HOST, database: 'prod', user: 'IAM:alice', ssl: true }
        for (const [given, ...names] of [
          [Promise.resolve(connection), 'connection', 'promise'],
          [new Map(Object.entries(connection)), 'connection', 'Map'],
          [{ ...connection, dbUser: 'bob' }, 'connection', 'dbUser'],
          [{ ...connection, DbGroups: ['x'] }, 'connection', 'DbGroups', 'dbGroups'],
          [{ connectionString: 'postgres://x/prod' }, 'connectionString', 'host, database and user'],
          [{ ...connection, connectionString: 'postgres://x/prod' }, 'connectionString'],
          ['postgres://alice:hunter2@x/prod', 'connection', '"postgres://…@x/prod"'],
        ] as const)
          expectError(await refusal(() => give(given as never)), { code: 'ERR_REDSHIFT_OPTION', names })
        expect(emulator.calls).to.have.length(0)
      })
  })

  describe('as the name of a host, a database or a user', () => {
    const values: unknown[] = [1, 10n, true, Symbol('x'), {}, ['x'], new Date(), Object.create(null)]
    for (const name of ['host', 'database', 'user', 'port'])
      it(`must not be of another type, in the ${name} of each configuration of pg`, async () => {
        const redshift = { host: HOST, aws: { send: () => Promise.reject(new Error('AWS_CALL')) } }
        for (const value of name === 'port' ? values.filter(value => value !== 1) : values) {
          const config = { host: HOST, database: 'dev', [name]: value }
          for (const attempt of [
            () => new RedshiftPgClient({ ...config, redshift }).connect(),
            () => new RedshiftPool({ ...config, redshift }),
            () => redshiftPoolOptions(redshift, config),
            () => redshiftKnexConnection(redshift, config),
          ])
            expectError(await refusal(attempt), { code: 'ERR_REDSHIFT_OPTION', names: [name] })
        }
      })
  })

  describe('as the signal of a login', () => {
    const aws = { send: () => Promise.reject(new Error('AWS_CALL')) }
    const connection = { host: HOST, database: 'dev' }

    it('must be an AbortSignal, in an object with no other option', async () => {
      const credentials = new RedshiftCredentials({ aws })
      const tokens = new RedshiftCredentials({ aws, api: 'GetIdentityCenterAuthToken' })
      const { signal } = new AbortController()
      for (const options of [signal, { abortSignal: signal }, { signal: {} }, { signal: 1_000 }, 1_000, [signal]]) {
        const got = await rejection(credentials.get(connection, options as never))
        const token = await rejection(tokens.getToken({ host: HOST }, options as never))
        for (const error of [got, token]) expectError(error, { code: 'ERR_REDSHIFT_OPTION', omits: ['AWS_CALL'] })
      }
    })
  })

  describe('as a password', () => {
    const passwords: readonly unknown[] = ['hunter2', () => 'hunter2', async () => 'hunter2', redshiftPassword(), 0, {}]

    for (const [entry, give] of Object.entries(configurations))
      it(`is rejected by ${entry}, unless it is empty`, async () => {
        for (const password of passwords) {
          const error = await refusal(() => give({ host: HOST, database: 'dev', password } as never))
          const cure = typeof password === 'function' ? ['redshift: { … }'] : []
          expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['password', ...cure], omits: ['hunter2'] })
        }
        expect(emulator.calls).to.have.length(0)
      })

    it('is ignored if it is empty', async () => {
      for (const password of [undefined, null, ''])
        expect(await currentUser(create({ password } as RedshiftPoolConfig))).to.equal('IAMR:analyst')
    })

    it('from redshiftPoolOptions() is accepted by its client, and by RedshiftPool', async () => {
      const made = redshiftPoolOptions({ aws: emulator.aws, dbUser: 'alice' }, emulator.poolConfig('serverless'))
      for (const pool of [new pg.Pool(made), new RedshiftPool(made)])
        expect(await currentUser(track(pool))).to.equal('alice')
    })

    it('from other options is rejected with the client of redshiftPoolOptions()', async () => {
      const made = redshiftPoolOptions({ aws: emulator.aws }, emulator.poolConfig('serverless'))
      const other = { ...made, password: redshiftPassword({ dbUser: 'alice' }) }
      const expected = { code: 'ERR_REDSHIFT_OPTION', names: ['password', 'redshift: { … }'] } as const
      expectError(await rejection(track(new pg.Pool(other)).query('select 1')), expected)
      expectError(await refusal(() => new RedshiftPool(other)), expected)
    })
  })

  describe('as Client', () => {
    class Own extends pg.Client {
      readonly own = true
    }
    /** As some tracing tools wrap a class. */
    const Traced = new Proxy(pg.Client, {
      construct: (target, args, newTarget) => Reflect.construct(target, args, newTarget),
    })
    function Old(this: unknown, config: pg.ClientConfig) {
      return Reflect.construct(pg.Client, [config], new.target ?? Old)
    }
    Object.setPrototypeOf(Old, pg.Client)
    Old.prototype = Object.create(pg.Client.prototype, { constructor: { value: Old } })

    it('is the base class of the clients of a pool, with IAM, TLS and the port as usual', async () => {
      for (const Client of [pg.Client, Own, Traced, Old as never, class extends RedshiftPgClient {}, RedshiftPgClient])
        for (const make of [
          (config: RedshiftPoolConfig) => create(config),
          ({ Client, redshift = {} }: RedshiftPoolConfig) =>
            track(new pg.Pool(redshiftPoolOptions(redshift, { ...emulator.poolConfig('serverless'), Client }))),
        ]) {
          const pool = make({ Client, redshift: { aws: emulator.aws, dbUser: 'alice' } })
          const client = await pool.connect()
          expect(client).to.be.an.instanceOf(Client)
          expect(client).to.be.an.instanceOf(pg.Client)
          expect(await currentUser(client as pg.Client)).to.equal('alice')
          client.release()
          await pool.end()
        }
      expect(emulator.logins.every(({ tls, ok }) => tls && ok)).to.equal(true)
    })

    it('does not make a pool lose its requirement of TLS, or its port', async () => {
      const plain = create({ Client: Own, ssl: false })
      expect(await rejection(plain.query('select 1'))).to.have.property('code', 'ERR_REDSHIFT_TLS')
      const asked: unknown[] = []
      const { host, database, stream } = emulator.poolConfig('serverless')
      const spied = () => {
        const socket = stream()
        const { connect } = socket
        socket.connect = (...args: unknown[]) => {
          asked.push(args)
          return connect.apply(socket, args)
        }
        return socket
      }
      const pool = track(
        new RedshiftPool({
          Client: Own,
          host,
          database,
          stream: spied,
          ssl: { ca: emulator.ca },
          redshift: { aws: emulator.aws },
        }),
      )
      expect(await currentUser(pool)).to.equal('IAMR:analyst')
      expect(asked).to.deep.equal([[5439, host]])
    })

    it('of redshiftPoolOptions() keeps its credentials in a RedshiftPool, and is rejected with others', async () => {
      const made = redshiftPoolOptions({ aws: emulator.aws, dbUser: 'alice' }, emulator.poolConfig('serverless'))
      const { Client } = made
      expect(await currentUser(create({ Client, redshift: undefined }))).to.equal('alice')
      const elsewhere = { ...made, redshift: { aws: emulator.aws, dbUser: 'bob' } }
      for (const attempt of [
        () => new RedshiftPool(elsewhere),
        () => track(new pg.Pool(elsewhere)).query('select 1'),
        () => redshiftPoolOptions({ dbUser: 'bob' }, { ...emulator.poolConfig('serverless'), Client }),
      ])
        expectError(await refusal(attempt), {
          code: 'ERR_REDSHIFT_OPTION',
          names: ['redshift', 'Client', 'redshiftPoolOptions'],
        })
    })

    it('is rejected if it is not a client of pg, or is one of another copy of the package', async () => {
      const copy = await importCopy()
      function factory(config: pg.ClientConfig) {
        return new pg.Client(config)
      }
      factory.prototype = pg.Client.prototype
      for (const [Client, ...names] of [
        [pg, 'an object', 'pg.Client'],
        [Date, 'a function', 'pg.Client'],
        [() => new pg.Client(), 'a function', 'pg.Client'],
        [copy.RedshiftPgClient, 'copy', 'pg-redshift-iam'],
        [class extends copy.RedshiftPgClient {}, 'copy', 'pg-redshift-iam'],
      ] as const)
        for (const attempt of [
          () => create({ Client: Client as never }),
          () => redshiftPoolOptions({}, { host: HOST, database: 'dev', Client: Client as never }),
        ])
          expectError(await refusal(attempt), { code: 'ERR_REDSHIFT_OPTION', names: ['Client', ...names] })
      const made = create({ Client: factory as never })
      expectError(await refusal(() => made.query('select 1')), {
        code: 'ERR_REDSHIFT_OPTION',
        names: ['constructor', 'Client'],
      })
      expect(emulator.connections).to.equal(0)
    })

    it('cannot be passed as pg, and the error names Client', async () => {
      const given = { host: HOST, database: 'dev', pg }
      expectError(await refusal(() => redshiftPoolOptions({}, given)), {
        code: 'ERR_REDSHIFT_OPTION',
        names: ['pg', 'Client: pg.Client'],
      })
    })
  })

  describe('in the wrong place', () => {
    const expectNamed = async (attempt: () => unknown, ...names: readonly string[]): Promise<void> => {
      expectError(await refusal(attempt), { code: 'ERR_REDSHIFT_OPTION', names, omits: ['hunter2'] })
    }

    for (const [entry, give] of Object.entries(configurations))
      it(`is rejected by ${entry}, among pg's options`, async () => {
        for (const [name, cure] of [
          ['dbUser', 'redshift: { dbUser }'],
          ['DbUser', 'redshift: { dbUser }'],
          ['db_groups', 'redshift: { dbGroups }'],
          ['ClusterIdentifier', 'redshift: { clusterIdentifier }'],
          ['durationSeconds', 'redshift: { durationSeconds }'],
          ['requireTls', 'redshift: { requireTls }'],
          ['aws', 'redshift: { aws }'],
          ['profile', 'redshift: { aws: { … } }'],
          ['endpoint', 'redshift: { aws: { … } }'],
          ['secretAccessKey', 'redshift: { aws: { … } }'],
        ] as const)
          await expectNamed(() => give({ host: HOST, database: 'dev', [name]: 'hunter2' } as never), name, cure)
        const connectionString = `postgres://${HOST}/dev?dbUser=hunter2`
        // Knex has no such option.
        const names = entry === 'redshiftKnexConnection()' ? ['connectionString', 'Knex'] : ['redshift: { dbUser }']
        await expectNamed(() => give({ connectionString } as never), ...names)
      })

    it('is rejected if it is not enumerable, and used in the right place', async () => {
      const hidden = (target: object) => Object.defineProperty(target, 'dbUser', { value: 'alice' })
      await expectNamed(
        () => new RedshiftPool(hidden({ host: HOST, database: 'dev' })),
        'dbUser',
        'redshift: { dbUser }',
      )
      expect(await currentUser(create({ redshift: hidden({ aws: emulator.aws }) }))).to.equal('alice')
    })

    it('may have hidden methods, as the package config adds them to each object', async () => {
      const method = (target: object) => Object.defineProperty(target, 'get', { value: () => 'hunter2' })
      const redshift = method({ aws: emulator.aws, user: 'IAMR:analyst' })
      expect(await currentUser(create(method({ redshift })))).to.equal('IAMR:analyst')
      const identityProvider = method({ type: 'Okta', token: () => 'hunter2' }) as never
      expect(() => new RedshiftCredentials({ host: HOST, identityProvider })).not.to.throw()
    })

    it('is ignored if it is undefined, like an unset variable', async () => {
      for (const name of ['max', 'password', 'profile', 'user_name'])
        expect(() => new RedshiftCredentials({ [name]: undefined })).not.to.throw()
      const identityProvider = { type: 'Okta', token: () => 'hunter2', scope: undefined } as never
      expect(() => new RedshiftCredentials({ host: HOST, identityProvider })).not.to.throw()
      expect(await currentUser(create({ dbUser: undefined, profile: undefined } as RedshiftPoolConfig))).to.equal(
        'IAMR:analyst',
      )
    })

    for (const [entry, give] of Object.entries(sources))
      it(`is rejected by ${entry}, among the options of the login and of the SDK`, async () => {
        for (const [source, ...names] of [
          [{ max: 5 }, 'max', 'pg'],
          [{ password: 'hunter2' }, 'password', 'AWS'],
          [{ connectionString: 'postgres://u:hunter2@h/d' }, 'connectionString', 'pg'],
          [{ profile: 'dev' }, 'profile', 'aws: { … }'],
          [{ accessKeyId: 'hunter2' }, 'accessKeyId', 'aws: { … }'],
          [{ DbUser: 'hunter2' }, '"DbUser"', 'dbUser'],
          [{ user_name: 'hunter2' }, '"user_name"', 'host', 'requireTls'],
          [{ aws: { accessKeyId: 'a', secretAccessKey: 'hunter2' } }, 'aws.accessKeyId', 'credentials'],
          [{ aws: { dbUser: 'hunter2' } }, 'aws.dbUser', 'dbUser'],
          [{ aws: Promise.resolve({}) }, 'aws', 'promise'],
          [{ aws: new Map() }, 'aws', 'Map'],
          [{ aws: hiding({ profile: 'hunter2' }) }, 'aws', 'Proxy'],
        ] as const)
          await expectNamed(() => give(source as never), ...names)
        expect(emulator.calls).to.have.length(0)
      })
  })

  describe('as the name of the database', () => {
    it('can be dbName alone, which the connection uses too', async () => {
      const { database: _, ...config } = emulator.poolConfig('serverless')
      const redshift = { aws: emulator.aws, dbName: 'postgres' }
      const pools = [
        new RedshiftPool({ ...config, redshift }),
        new pg.Pool(redshiftPoolOptions(redshift, config as never)),
      ]
      for (const pool of pools) {
        const { rows } = await track(pool).query('select current_database() as name')
        expect(rows).to.deep.equal([{ name: 'postgres' }])
      }
      const connection = await redshiftKnexConnection(redshift, config as never).call(undefined)
      expect(connection).to.have.property('database', 'postgres')
      for (const { parameters } of emulator.calls) expect(parameters).to.have.property('dbName', 'postgres')
    })

    it('can be known only to the server, if dbName is null', async () => {
      await using server = await startEmulator({ databases: ['_staging'] })
      const config = { ...server.poolConfig('serverless'), database: '_staging' }
      const redshift = { aws: server.aws, dbName: null }
      const made = redshiftPoolOptions({ ...redshift, database: '_staging' }, {
        ...config,
        database: undefined,
      } as never)
      const pools = [new RedshiftPool({ ...config, redshift }), new pg.Pool(made)]
      for (const pool of pools) {
        const { rows } = await pool.query('select current_database() as name')
        expect(rows).to.deep.equal([{ name: '_staging' }])
        await pool.end()
      }
      for (const { parameters } of server.calls) expect(parameters).to.not.have.property('dbName')
    })

    it('must follow the rule of the API that it is sent to', async () => {
      const named = (options: RedshiftOptions) =>
        new RedshiftCredentials({ aws: emulator.aws, database: '_staging', ...options }).get()
      const { host } = emulator.poolConfig()
      for (const options of [{ host: HOST }, { host, dbUser: 'alice' }]) {
        const error = await rejection(named(options))
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['database "_staging"', 'dbName: null'] })
      }
      expect(emulator.calls).to.have.length(0)
      await named({ host }).catch(() => {})
      expect(emulator.calls[0]).to.deep.include({ operation: 'GetClusterCredentialsWithIAM' })
      expect(emulator.calls[0]?.parameters).to.have.property('DbName', '_staging')
    })

    it('is rejected with a zero byte, because a server would read parameters after it', async () => {
      const database = 'dev\0user\0IAM:root'
      const redshift = { aws: emulator.aws, dbName: null }
      expectError(await refusal(() => create({ database, redshift })), {
        code: 'ERR_REDSHIFT_OPTION',
        names: ['database', 'connection', 'NUL'],
      })
      expect(emulator.logins).to.have.length(0)
    })
  })

  it('is available to a base class at once, with a connection string and with a frozen ssl', async () => {
    class Listening extends pg.Client {
      constructor(config?: string | pg.ClientConfig) {
        super(config)
        this.connection.on('message', () => {})
        this.connection.stream.setMaxListeners(50)
      }
    }
    const { host, database, stream } = emulator.poolConfig('serverless')
    const ssl = Object.freeze({ ca: emulator.ca })
    for (const config of [
      { connectionString: `postgres://${host}/${database}`, ssl },
      { host, database, ssl },
    ]) {
      const pool = new pg.Pool(
        redshiftPoolOptions({ aws: emulator.aws }, { ...config, stream, Client: Listening } as never),
      )
      expect(await currentUser(track(pool))).to.equal('IAMR:analyst')
    }
  })
})
