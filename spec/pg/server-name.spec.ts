import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls'
import * as core from '@sequelize/core'
import { PostgresDialect } from '@sequelize/postgres'
import { expect } from 'chai'
import knex from 'knex'
import knex31 from 'knex31'
import type pg from 'pg'
import { Sequelize } from 'sequelize'
import { certificateFor } from '../../lib/emulator/gateway/certificate.js'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import {
  RedshiftCredentials,
  RedshiftPool,
  redshiftBeforeConnect,
  redshiftKnexConnection,
  redshiftPoolOptions,
} from '../../lib/index.js'
import { clientClass } from '../../lib/pg/client.js'
import { acceptBothNames, acceptServerName, aliasOf } from '../../lib/pg/server-name.js'
import { CURRENT_USER, userOfClient, userOfPool } from '../support/current-user.js'
import { startEmulator } from '../support/emulator.js'
import { pgVersions } from '../support/pg-versions.js'
import { rejection } from '../support/rejection.js'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const PRIVATE = 'warehouse.internal.example'
const PROXY = 'proxy.internal.example'

type Ssl = pg.PoolConfig['ssl']
interface Connection {
  readonly host: string
  readonly port: number
  readonly ssl: Ssl
  readonly stream: () => Socket
}
/** A way to connect with this package. */
interface EntryPoint {
  readonly name: string
  /** Whether the client sends the cluster's name (SNI). A plain pg.Client sends the host that it connects to. */
  readonly namesCluster: boolean
  readonly user: (connection: Connection, credentials: RedshiftCredentials) => Promise<unknown>
}

const perVersion = pgVersions.flatMap(([version, module]): EntryPoint[] => [
  {
    name: `RedshiftPgClient on ${version}`,
    namesCluster: true,
    user: (connection, redshift) =>
      userOfClient(new (clientClass(module.Client))({ ...connection, database: 'dev', redshift })),
  },
  {
    name: `redshiftPoolOptions in a stock pool of ${version}`,
    namesCluster: true,
    user: (connection, redshift) =>
      userOfPool(
        new module.Pool(redshiftPoolOptions(redshift, { ...connection, database: 'dev', Client: module.Client })),
      ),
  },
  {
    name: `redshiftPoolOptions in a plain client of ${version}`,
    namesCluster: false,
    user: (connection, redshift) =>
      userOfClient(
        new module.Client(redshiftPoolOptions(redshift, { ...connection, database: 'dev', user: 'IAM:alice' })),
      ),
  },
])

/** Knex logs why a connection failed. */
const log = { warn() {}, error() {}, deprecate() {}, debug() {} }

const knexEntryPoint = (name: string, build: typeof knex, calledByKnex: boolean): EntryPoint => ({
  name,
  namesCluster: calledByKnex,
  async user({ ssl, ...connection }, credentials) {
    const method = redshiftKnexConnection(credentials, { ...connection, database: 'dev', ...(ssl && { ssl }) })
    const db = build({ client: 'redshift', connection: calledByKnex ? method : () => method.call(undefined), log })
    try {
      return (await db.raw(CURRENT_USER)).rows[0].name
    } finally {
      await db.destroy()
    }
  },
})

async function ofSequelize(db: {
  query(sql: string, options: object): Promise<unknown[]>
  close(): Promise<void>
}): Promise<unknown> {
  try {
    const [row] = await db.query(CURRENT_USER, { type: 'SELECT' })
    return (row as { name: string }).name
  } finally {
    await db.close()
  }
}

const entryPoints: EntryPoint[] = [
  ...perVersion,
  {
    name: 'RedshiftPool',
    namesCluster: true,
    user: (connection, redshift) => userOfPool(new RedshiftPool({ ...connection, database: 'dev', redshift })),
  },
  knexEntryPoint('Knex 3.3', knex, true),
  knexEntryPoint('Knex 3.1', knex31 as unknown as typeof knex, true),
  knexEntryPoint('Knex through a function of its own', knex, false),
  {
    name: 'Sequelize 6',
    namesCluster: false,
    user: ({ ssl, stream, ...connection }, credentials) =>
      ofSequelize(
        new Sequelize({
          dialect: 'postgres',
          logging: false,
          ...{ databaseVersion: '18.0.0' },
          ...connection,
          database: 'dev',
          dialectOptions: { ssl, stream },
          hooks: { beforeConnect: redshiftBeforeConnect(credentials) },
        }),
      ),
  },
  {
    name: 'Sequelize 7',
    namesCluster: false,
    user: ({ ssl, ...connection }, credentials) =>
      ofSequelize(
        new core.Sequelize({
          dialect: PostgresDialect,
          logging: false,
          ...connection,
          ...(ssl && { ssl }),
          database: 'dev',
          hooks: { beforeConnect: redshiftBeforeConnect(credentials) },
        }),
      ),
  },
]

describe('A cluster behind another host name', () => {
  let emulator: RedshiftEmulator
  let proxy: TlsProxy
  let proxyCa: string
  let folder: string
  let rootCertificate: string

  before(async () => {
    emulator = await startEmulator({ hosts: [CLUSTER] })
    const { ca, context } = await certificateFor([PROXY])
    proxyCa = ca
    proxy = await startTlsProxy(context, { port: emulator.address.port, servername: CLUSTER, ca: emulator.ca })
    folder = mkdtempSync(join(tmpdir(), 'private-names-'))
    rootCertificate = join(folder, 'ca.pem')
    writeFileSync(rootCertificate, emulator.ca)
  })
  afterEach(() => {
    emulator.logins.length = proxy.names.length = 0
  })
  after(async () => {
    rmSync(folder, { recursive: true })
    proxy.close()
    await emulator.close()
  })

  const credentials = (host = CLUSTER, more = {}) => new RedshiftCredentials({ aws: emulator.aws, host, ...more })
  /** Connects every name to a port of this machine, as a private DNS zone does. */
  const to = (port: number) => () => {
    const socket = new Socket()
    const dial: (port: number, host: string) => Socket = socket.connect
    return Object.assign(socket, { connect: () => dial.call(socket, port, '127.0.0.1') })
  }
  const connection = (host: string, own: Partial<Connection> = {}): Connection => ({
    host,
    port: 5439,
    ssl: { ca: emulator.ca },
    stream: to(emulator.address.port),
    ...own,
  })
  const throughProxy = (host: string): Connection => connection(host, { ssl: { ca: proxyCa }, stream: to(proxy.port) })

  for (const { name, namesCluster, user } of entryPoints)
    describe(`with ${name}`, () => {
      const options = { dbUser: 'alice', database: 'dev' }

      it("accepts a certificate for the cluster's own name", async () => {
        expect(await user(connection(PRIVATE), credentials(CLUSTER, options))).to.equal('IAM:alice')
        expect(emulator.logins[0]).to.include({ ok: true, host: namesCluster ? CLUSTER : PRIVATE })
      })

      it('accepts a certificate for the name that the client connects to', async () => {
        expect(await user(throughProxy(PROXY), credentials(CLUSTER, options))).to.equal('IAM:alice')
        expect(proxy.names).to.deep.equal([namesCluster ? CLUSTER : PROXY])
      })

      it('refuses a certificate for neither name', async () => {
        const error = await rejection(user(throughProxy(PRIVATE), credentials(CLUSTER, options)))
        expect(String(error)).to.match(/altnames/)
        expect(emulator.logins).to.deep.equal([])
      })

      it("leaves the decision to the user's own check, and passes it the name that the client connects to", async () => {
        const checked: string[] = []
        const check = (accept: boolean) => (host: string, certificate: PeerCertificate) => {
          checked.push(host)
          return accept ? undefined : (checkServerIdentity('elsewhere.example', certificate) as Error)
        }
        const own = (accept: boolean) => ({ ssl: { ca: emulator.ca, checkServerIdentity: check(accept) } })
        expect(await user(connection(PRIVATE, own(true)), credentials(CLUSTER, options))).to.equal('IAM:alice')
        expect(String(await rejection(user(connection(PRIVATE, own(false)), credentials(CLUSTER, options))))).to.match(
          /altnames/,
        )
        expect(checked).to.deep.equal([PRIVATE, PRIVATE])
      })
    })

  for (const [version, module] of pgVersions)
    describe(`with RedshiftPgClient on ${version}`, () => {
      const Client = clientClass(module.Client)

      it('verifies with sslmode and a root certificate in a connection string', async () => {
        const connectionString = `postgres://IAM%3Aalice@${PRIVATE}/dev?sslmode=verify-full&sslrootcert=${rootCertificate}`
        const { stream } = connection(PRIVATE)
        expect(await userOfClient(new Client({ connectionString, stream, redshift: credentials() }))).to.equal(
          'IAM:alice',
        )
        const other = credentials('examplecluster.other0hash0.us-west-2.redshift.amazonaws.com')
        const error = await rejection(userOfClient(new Client({ connectionString, stream, redshift: other })))
        expect(error).to.have.property('code', 'ERR_TLS_CERT_ALTNAME_INVALID')
      })

      it('connects to an IP address without servername, and to localhost with one that pg ignores', async () => {
        const plain = () => new Socket()
        const local = { ...emulator.address, database: 'dev', user: 'IAM:alice', stream: plain }
        const ca = { ca: emulator.ca }
        expect(await userOfClient(new Client({ ...local, ssl: ca, redshift: credentials() }))).to.equal('IAM:alice')
        const named = { ...local, host: 'localhost', ssl: { ...ca, servername: 'ignored.example' } }
        expect(await userOfClient(new Client({ ...named, redshift: credentials() }))).to.equal('IAM:alice')
        expect(emulator.logins.map(({ host }) => host)).to.deep.equal([CLUSTER, CLUSTER])
      })
    })
})

describe('The TLS options for another host name', () => {
  const alias = aliasOf('Warehouse.internal.example', `${CLUSTER}.`)
  const check = (ssl: Ssl, ...names: string[]) => {
    const verified = acceptBothNames(ssl, alias)
    if (typeof verified !== 'object') throw new Error('no options')
    const certificate = { subject: {}, subjectaltname: names.map(name => `DNS:${name}`).join(', ') } as PeerCertificate
    return verified.checkServerIdentity?.('whatever.example', certificate)
  }
  const wildcard = '*.abc123xyz789.us-west-2.redshift.amazonaws.com'

  it("accept Redshift's wildcard, the name that the client connects to, and nothing else", () => {
    expect(check(true, wildcard)).to.equal(undefined)
    expect(check(true, 'warehouse.internal.example')).to.equal(undefined)
    expect(check(true, 'localhost', 'warehouse.internal.example')).to.equal(undefined)
    for (const other of ['*.us-west-2.redshift.amazonaws.com', '*.xyz.us-west-2.redshift.amazonaws.com', 'x.example'])
      expect(check(true, other)).to.be.instanceOf(Error)
  })

  it('are unchanged if the host is the cluster, in any spelling', () => {
    expect(aliasOf(`${CLUSTER.toUpperCase()}.`, CLUSTER)).to.equal(undefined)
    expect(aliasOf(undefined, CLUSTER)).to.equal(undefined)
    expect(aliasOf(PRIVATE, undefined)).to.equal(undefined)
    expect(acceptBothNames(true, undefined)).to.equal(true)
  })

  it('leave TLS off if it is off, and keep what the user has set', () => {
    for (const ssl of [false, undefined]) expect(acceptBothNames(ssl, alias)).to.equal(ssl)
    const own = { checkServerIdentity: () => undefined }
    expect(acceptBothNames(own, alias)).to.equal(own)
    const byAddress = { servername: 'elsewhere.example' }
    expect(acceptBothNames(byAddress, aliasOf('127.0.0.1', CLUSTER))).to.equal(byAddress)
    expect(acceptBothNames({ rejectUnauthorized: false }, alias)).to.include({ rejectUnauthorized: false })
  })

  it('verify the current host if they come back for another one', async () => {
    const accepted = (ssl: Ssl) =>
      [PRIVATE, PROXY].filter(name => {
        const certificate = { subject: {}, subjectaltname: `DNS:${name}` } as PeerCertificate
        return (ssl as ConnectionOptions).checkServerIdentity?.(name, certificate) === undefined
      })
    const first = acceptBothNames(true, aliasOf(PRIVATE, CLUSTER))
    expect(accepted(first)).to.deep.equal([PRIVATE])
    expect(accepted(acceptBothNames(first, aliasOf(PROXY, CLUSTER)))).to.deep.equal([PROXY])
    expect(accepted(acceptServerName(first, { host: PROXY, clusterHost: CLUSTER }))).to.deep.equal([PROXY])
    expect(acceptBothNames(first, aliasOf(CLUSTER, CLUSTER))).to.not.have.property('checkServerIdentity')
  })

  it('keep a private key hidden that pg has hidden, and do not change the given object', () => {
    const ssl = Object.defineProperty({ ca: 'x' }, 'key', { value: 'secret', enumerable: false })
    const verified = acceptBothNames(ssl, alias) as { key?: string }
    expect(verified.key).to.equal('secret')
    expect(JSON.stringify(verified)).to.not.include('secret')
    expect(ssl).to.not.have.property('checkServerIdentity')
  })
})
