import { inspect } from 'node:util'
import * as core from '@sequelize/core'
import { PostgresDialect } from '@sequelize/postgres'
import { expect } from 'chai'
import { Sequelize } from 'sequelize'
import type { EmulatorPoolConfig, RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, redshiftBeforeConnect } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { expectError, rejection } from '../support/rejection.js'

interface Settings {
  readonly server: EmulatorPoolConfig
  readonly user?: string
  readonly source?: Parameters<typeof redshiftBeforeConnect>[0]
  /** The host to read from, and the user to write as. */
  readonly replication?: { readonly readHost: string; readonly writeUser: string }
}

/** The members of Sequelize that are used here. */
interface Database {
  query(sql: string, options?: object): Promise<unknown[]>
  transaction<T>(run: (transaction: object) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** One hook for both versions, which use different names. */
const versions: Readonly<Record<string, (settings: Settings) => Database>> = {
  'Sequelize 6': ({ server, user, source, replication }) => {
    const { host, port, database, ssl, stream } = server
    return new Sequelize({
      dialect: 'postgres',
      logging: false,
      // Otherwise it opens another connection to ask for the version.
      ...{ databaseVersion: '18.0.0' },
      host,
      port,
      database,
      ...(user && { username: user }),
      dialectOptions: { ssl, stream },
      ...(replication && {
        replication: { read: [{ host: replication.readHost }], write: { username: replication.writeUser } },
      }),
      hooks: { beforeConnect: redshiftBeforeConnect(source) },
    }) as Database
  },
  'Sequelize 7': ({ server, user, source, replication }) =>
    new core.Sequelize({
      dialect: PostgresDialect,
      logging: false,
      // Otherwise every query within a transaction is part of it.
      disableClsTransactions: true,
      ...server,
      ...(user && { user }),
      ...(replication && {
        replication: { read: [{ host: replication.readHost }], write: { user: replication.writeUser } },
      }),
      hooks: { beforeConnect: redshiftBeforeConnect(source) },
    }) as Database,
}

const current = 'SELECT session_user::text AS name, pg_backend_pid() AS pid'

/** A query that reads, so that it goes to a replica. */
async function session(db: Database): Promise<{ name: string; pid: number }> {
  const [row] = await db.query(current, { type: 'SELECT' })
  return row as { name: string; pid: number }
}

/** Runs a query on another connection than the open one. */
const another = (db: Database): Promise<{ name: string; pid: number }> =>
  db.transaction(async transaction => {
    await db.query('SELECT 1', { transaction })
    return session(db)
  })

for (const [version, build] of Object.entries(versions))
  describe(`redshiftBeforeConnect, on ${version},`, () => {
    let emulator: RedshiftEmulator
    let server: EmulatorPoolConfig
    before(async () => {
      emulator = await startEmulator()
      server = emulator.poolConfig()
    })
    beforeEach(() => {
      emulator.identity = 'IAMR:analyst'
      emulator.logins.length = 0
      emulator.calls.length = 0
    })
    after(() => emulator.close())

    const using = async <T>(settings: Omit<Settings, 'server'>, run: (db: Database) => Promise<T>): Promise<T> => {
      const db = build({ server, ...settings, source: settings.source ?? { aws: emulator.aws } })
      return run(db).finally(() => db.close())
    }

    it('reads cluster and database from the configuration, and logs in with one call', () =>
      using({}, async db => {
        expect(await session(db)).to.include({ name: 'IAMR:analyst' })
        expect(await another(db)).to.include({ name: 'IAMR:analyst' })
        expect(emulator.logins).to.have.lengthOf(2)
        expect(emulator.calls.map(({ operation }) => operation)).to.deep.equal(['GetClusterCredentialsWithIAM'])
        expect(emulator.calls[0]?.parameters).to.include({ ClusterIdentifier: 'examplecluster', DbName: 'dev' })
      }))

    it('uses only the configured user', () =>
      using({ user: 'IAM:alice' }, async db => {
        expect(await session(db)).to.include({ name: 'IAM:alice' })
        expect(emulator.calls.map(({ parameters }) => parameters.DbUser)).to.deep.equal(['alice'])
      }))

    it('uses another login for a replica on another host', () =>
      using({ replication: { readHost: emulator.poolConfig('serverless').host, writeUser: 'IAM:alice' } }, async db => {
        expect(await session(db)).to.include({ name: 'IAMR:analyst' })
        const [rows] = await db.query(current)
        expect(rows).to.have.nested.property('[0].name', 'IAM:alice')
        const logins = emulator.logins.map(({ host, user }) => [host?.split('.')[0], user])
        expect(logins).to.have.deep.members([
          ['analytics', 'IAMR:analyst'],
          ['examplecluster', 'IAM:alice'],
        ])
      }))

    it('does not mistake the user of the last connection for the configured one', async () => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      await using({ source: credentials }, async db => {
        await session(db)
        emulator.identity = 'IAMR:other'
        const connection = { host: server.host, database: server.database }
        credentials.invalidate(await credentials.get(connection))
        await credentials.get(connection)
        expect(await another(db)).to.include({ name: 'IAMR:other' })
      })
    })

    it('keeps user and password together if AWS returns another user in between', async () => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      const login = await credentials.get({ host: server.host, database: server.database })
      const stream = () => {
        // The hook has set the user, and pg has not asked for the password yet.
        emulator.identity = 'IAMR:other'
        credentials.invalidate(login)
        return server.stream()
      }
      const db = build({ server: { ...server, stream }, source: credentials })
      expect(await session(db)).to.include({ name: 'IAMR:analyst' })
      await db.close()
    })

    it('logs in with another login in the next connection after Redshift has refused one', () =>
      using({}, async db => {
        await session(db)
        emulator.revokeLogins()
        expect(await rejection(another(db))).to.have.nested.property(
          version.endsWith('6') ? 'parent.code' : 'cause.code',
          '28000',
        )
        expect(await another(db)).to.include({ name: 'IAMR:analyst' })
        expect(emulator.logins.map(({ ok }) => ok)).to.deep.equal([true, false, true])
      }))

    it('reports why there is no login', () =>
      using({ source: { aws: { ...emulator.aws, maxAttempts: 1 } } }, async db => {
        using _denied = emulator.fail({ kind: 'access-denied' })
        expect(await rejection(session(db))).to.have.property('code', 'ERR_REDSHIFT_ACCESS_DENIED')
      }))

    it('refuses a configuration without TLS', async () => {
      const db = build({ server: { ...server, ssl: false as never }, source: { aws: emulator.aws } })
      expect(await rejection(session(db))).to.have.property('code', 'ERR_REDSHIFT_TLS')
      await db.close()
      expect(emulator.calls).to.deep.equal([])
    })

    it('uses the TLS options of the login where the configuration has none', async () => {
      const { ssl, ...withoutTls } = server
      const sources = { source: { aws: emulator.aws, ssl }, untrusted: { aws: emulator.aws, ssl: true } }
      const outcomeOf = (source: Settings['source']) => {
        const db = build({ server: withoutTls as EmulatorPoolConfig, source })
        return session(db).finally(() => db.close())
      }
      expect(await outcomeOf(sources.source)).to.include({ name: 'IAMR:analyst' })
      expect((await rejection(outcomeOf(sources.untrusted))).message).to.match(/certificate/)
      expect(await rejection(outcomeOf({ aws: emulator.aws, ssl: false }))).to.have.property('code', 'ERR_REDSHIFT_TLS')
      await using({ source: sources.untrusted }, async db => {
        expect(await session(db)).to.include({ name: 'IAMR:analyst' })
      })
    })

    it('refuses a string for ssl that would make pg crash, and passes on those that pg knows', async () => {
      const outcomeOf = (ssl: string) => {
        const db = build({ server: { ...server, ssl: ssl as never }, source: { aws: emulator.aws } })
        return session(db).finally(() => db.close())
      }
      for (const ssl of ['false', 'require']) {
        const error = await rejection(outcomeOf(ssl))
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['ssl', `"${ssl}"`, 'ssl: true'] })
      }
      expect(emulator.calls).to.deep.equal([])
      expect(await outcomeOf('no-verify')).to.include({ name: 'IAMR:analyst' })
      expect((await rejection(outcomeOf('true'))).message).to.match(/certificate/)
    })

    it('refuses a login for another user than the configured one', () =>
      using({ user: 'IAMR:boss' }, async db => {
        expect(await rejection(session(db))).to.have.property('code', 'ERR_REDSHIFT_USER_MISMATCH')
        expect(emulator.logins).to.have.lengthOf(0)
      }))

    it('refuses a login for another user than PGUSER', () =>
      using({}, async db => {
        const { PGUSER } = process.env
        process.env.PGUSER = 'IAMR:boss'
        try {
          expect(await rejection(session(db))).to.have.property('code', 'ERR_REDSHIFT_USER_MISMATCH')
        } finally {
          if (PGUSER === undefined) delete process.env.PGUSER
          else process.env.PGUSER = PGUSER
        }
      }))

    it("leaves no secret in Sequelize's configuration", async () => {
      const credentials = new RedshiftCredentials({ aws: emulator.aws })
      await using({ source: credentials }, async db => {
        await session(db)
        const { password } = await credentials.get({ host: server.host, database: server.database })
        const { secretAccessKey, sessionToken } = emulator.aws.credentials
        const text = inspect(db, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null })
        expect(text).to.include('examplecluster')
        for (const secret of [password, secretAccessKey, sessionToken]) expect(text).not.to.include(secret)
      })
    })
  })

describe('redshiftBeforeConnect, on Sequelize 6,', () => {
  it('does not accept ssl: true next to dialectOptions, because Sequelize ignores it', async () => {
    const db = new Sequelize({
      dialect: 'postgres',
      logging: false,
      host: 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
      database: 'dev',
      ssl: true,
      hooks: { beforeConnect: redshiftBeforeConnect() },
    })
    expect(await rejection(db.authenticate())).to.have.property('code', 'ERR_REDSHIFT_TLS')
    await db.close()
  })
})

describe('redshiftBeforeConnect, with a port in the options of the login,', () => {
  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator()
  })
  after(() => emulator.close())

  /** The port that a hook sets in the configuration of Sequelize. */
  const portAfter = async (port: number, build: (options: object) => object): Promise<unknown> => {
    const { host, database, ssl } = emulator.poolConfig()
    const config = build({ host, database, ssl })
    await redshiftBeforeConnect({ aws: emulator.aws, port })(config)
    return (config as { port?: unknown }).port
  }
  const version6 = (port?: number | string) => (options: object) =>
    (
      new Sequelize({ dialect: 'postgres', ...options, dialectOptions: options, port: port as number }) as unknown as {
        config: object
      }
    ).config
  const version7 = (port?: number) => (options: object) => ({ ...options, ...(port && { port }) })

  it('sets the port that Sequelize 7 leaves open', async () => {
    expect(await portAfter(5440, version7())).to.equal(5440)
    expect(await portAfter(5440, version7(5432))).to.equal(5432)
  })

  it('refuses to connect to the port that Sequelize 6 chooses by default', async () => {
    for (const port of [undefined, '5432'])
      expectError(await rejection(portAfter(5440, version6(port))), {
        code: 'ERR_REDSHIFT_OPTION',
        names: ['Sequelize', '5432', 'port: 5440'],
      })
    expect(await portAfter(5432, version6())).to.equal(5432)
    expect(await portAfter(5440, version6(15439))).to.equal(15439)
  })
})

describe('redshiftBeforeConnect, called again with the same configuration,', () => {
  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator({ databases: ['dev', 'other'] })
  })
  beforeEach(() => {
    emulator.calls.length = 0
  })
  after(() => emulator.close())

  const configuration = (change: object = {}) => {
    const { host, database, ssl } = emulator.poolConfig()
    return { host, database, username: undefined as string | undefined, dialectOptions: { ssl }, ...change }
  }

  it('uses its current host, database and user, as for tenants with a login each', async () => {
    const hook = redshiftBeforeConnect({ aws: emulator.aws })
    const config = configuration()
    const seen: unknown[] = []
    for (const change of [
      {},
      { database: 'other' },
      { username: 'IAM:alice' },
      { username: 'IAM:bob', database: 'dev' },
      { host: emulator.poolConfig('serverless').host, username: undefined },
    ]) {
      Object.assign(config, change)
      await hook(config)
      seen.push([config.username, emulator.calls.at(-1)?.operation, emulator.calls.length])
    }
    expect(seen).to.deep.equal([
      ['IAMR:analyst', 'GetClusterCredentialsWithIAM', 1],
      ['IAMR:analyst', 'GetClusterCredentialsWithIAM', 2],
      ['IAM:alice', 'GetClusterCredentials', 3],
      ['IAM:bob', 'GetClusterCredentials', 4],
      ['IAMR:analyst', 'GetCredentials', 5],
    ])
  })

  it('reads whichever of username and user was changed', async () => {
    const hook = redshiftBeforeConnect({ aws: emulator.aws })
    for (const name of ['username', 'user']) {
      const config = configuration()
      await hook(config)
      Object.assign(config, { [name]: 'IAM:alice' })
      await hook(config)
      expect(config).to.include({ username: 'IAM:alice', user: 'IAM:alice' })
    }
  })
})
