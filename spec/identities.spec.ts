import { EventEmitter, once } from 'node:events'
import { DescribeClustersCommand, RedshiftClient } from '@aws-sdk/client-redshift'
import { RedshiftServerlessClient } from '@aws-sdk/client-redshift-serverless'
import { expect } from 'chai'
import pg from 'pg'
import { AwsClients } from '../lib/aws/client.js'
import { systemClock } from '../lib/clock.js'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import { FetchContext } from '../lib/fetch-context.js'
import {
  type AwsClientConfig,
  RedshiftCredentials,
  type RedshiftErrorCode,
  type RedshiftOptions,
  RedshiftPool,
  redshiftPassword,
} from '../lib/index.js'
import { startEmulator } from './support/emulator.js'
import { figure } from './support/figure.js'
import { MemoryStore } from './support/memory-store.js'
import { phaseReached } from './support/phase.js'
import { expectError, rejection } from './support/rejection.js'
import { until } from './support/until.js'

const WEST = 'sales.abc123xyz789.us-west-2.redshift.amazonaws.com'
const WEST_TOO = 'finance.abc123xyz789.us-west-2.redshift.amazonaws.com'
const EAST = 'sales.abc123xyz789.eu-east-9.redshift.amazonaws.com'
const WORKGROUP = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'

const REPORTER = { accessKeyId: 'AKIAREPORTEREXAMPLE1', secretAccessKey: 'reporter/secret' }
const LOADER = { accessKeyId: 'AKIALOADEREXAMPLE001', secretAccessKey: 'loader/secret' }

describe('Logins of several identities and clusters', () => {
  let emulator: RedshiftEmulator
  const open: { close?(): Promise<unknown>; end?(): Promise<unknown> }[] = []

  before(async () => {
    emulator = await startEmulator({
      hosts: [WEST, WEST_TOO, EAST, WORKGROUP],
      identities: { [REPORTER.accessKeyId]: 'IAMR:reporter', [LOADER.accessKeyId]: 'IAMR:loader' },
    })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(it => (it.end ? it.end() : it.close?.())))
    emulator.calls.length = 0
    emulator.logins.length = 0
  })
  after(() => emulator.close())

  const create = (options: RedshiftOptions = {}): RedshiftCredentials => {
    const credentials = new RedshiftCredentials({ aws: emulator.aws, database: 'dev', ...options })
    open.push(credentials)
    return credentials
  }

  it('of two AWS identities are never mixed up, even for the same workgroup and database', async () => {
    const pools = [REPORTER, LOADER].map(credentials => {
      const pool = new RedshiftPool({
        ...emulator.poolConfig(WORKGROUP),
        redshift: { aws: { ...emulator.aws, credentials } },
        maxUses: 1,
      })
      open.push(pool)
      return pool
    })
    const users = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const { rows } = await (pools[i % 2] as pg.Pool).query('select session_user as name')
        return rows[0].name
      }),
    )
    expect(users).to.deep.equal(Array.from({ length: 40 }, (_, i) => (i % 2 ? 'IAMR:loader' : 'IAMR:reporter')))
    expect(emulator.calls.map(call => call.accessKeyId)).to.have.members([REPORTER.accessKeyId, LOADER.accessKeyId])
  })

  it('for several clusters are never mixed up, with one user, one database and one function for all, across a rotation', async () => {
    const hosts = [WEST, WEST_TOO, EAST]
    const short = await startEmulator({ hosts, lifetimeSeconds: 10 })
    open.push(short)
    const credentials = create({ aws: short.aws })
    const password = redshiftPassword(credentials)
    const connect = async (host: string) => {
      const client = new pg.Client({ ...short.poolConfig(host), user: 'IAM:alice', password })
      await client.connect()
      await client.end()
    }
    const round = () => Promise.all(Array.from({ length: 99 }, (_, i) => connect(hosts[i % 3] ?? WEST)))
    await round()
    await phaseReached(credentials, 'stale')
    await round()
    await phaseReached(credentials, 'fresh')
    await round()
    // The gateway accepts a login only on the host of the cluster that it was issued for.
    expect(short.logins.filter(({ ok }) => !ok)).to.deep.equal([])
    const serials = hosts.map(host => new Set(short.logins.filter(login => login.host === host).map(it => it.serial)))
    const all = serials.flatMap(of => [...of])
    expect(new Set(all)).to.have.length(all.length)
    for (const of of serials) expect(of.size).to.be.at.least(1)
    expect(all.length).to.be.above(3)
    figure(
      `${short.logins.length} logins on 3 clusters with ${all.length} passwords of one user: 0 went to another cluster`,
    )
  })

  it('use one SDK client per region, whatever the number of clusters and users', async () => {
    // Each client of the SDK loads its AWS credentials once.
    let clients = 0
    const provider = async () => {
      clients++
      return emulator.aws.credentials
    }
    const credentials = create({ aws: { ...emulator.aws, credentials: provider } })
    await Promise.all(
      [WEST, WEST_TOO, EAST].flatMap(host =>
        ['alice', 'bob', 'carol'].map(name => credentials.get({ host, user: `IAM:${name}` })),
      ),
    )
    await credentials.get({ host: WEST, user: 'IAM:dave' })
    expect(emulator.calls).to.have.length(10)
    expect(clients).to.equal(2)
    await credentials.get({ host: WORKGROUP })
    expect(clients, 'and one for the other service').to.equal(3)
  })

  it('use the same SDK client after a timeout of AWS', async () => {
    let clients = 0
    const provider = async () => {
      clients++
      return emulator.aws.credentials
    }
    const credentials = create({ aws: { ...emulator.aws, credentials: provider }, fetchTimeoutMillis: 3_000 })
    // Later, loading does not use up the time.
    await credentials.get({ host: WEST, user: 'IAM:carol' })
    const hang = emulator.fail({ kind: 'hang' })
    expect(await rejection(credentials.get({ host: WEST, user: 'IAM:alice' }))).to.have.property(
      'code',
      'ERR_REDSHIFT_TIMEOUT',
    )
    expect(hang.hits).to.equal(1)
    hang.clear()
    await credentials.get({ host: WEST, user: 'IAM:bob' })
    expect(clients).to.equal(1)
  })

  describe('from a ready SDK client', () => {
    const sdk = (region = 'us-west-2') => new RedshiftClient({ ...emulator.aws, region })

    it('are fetched with it, and it stays open when the credentials are closed', async () => {
      const client = sdk()
      let destroyed = 0
      const destroy = client.destroy.bind(client)
      client.destroy = () => {
        destroyed++
        destroy()
      }
      const credentials = create({ aws: client })
      const { user } = await credentials.get({ host: WEST, user: 'IAM:alice' })
      expect(user).to.equal('IAM:alice')
      await credentials.close()
      const { Clusters } = await client.send(new DescribeClustersCommand({}))
      expect(Clusters).to.have.length(2)
      expect(destroyed).to.equal(0)
      client.destroy()
    })

    it('last as long as AWS says, on a clock that is ten minutes off', async () => {
      const client = sdk()
      using _ = emulator.fail({ kind: 'clock-skew', seconds: 600 })
      const credentials = create({ aws: client })
      await credentials.get({ host: WEST, user: 'IAM:alice' })
      const refreshAt = credentials.status()[0]?.refreshAt?.getTime() ?? Number.NaN
      expect((refreshAt - Date.now()) / 1_000).to.be.within(440, 600)
      client.destroy()
    })

    it('are fetched with any object that has `send`, even without a middleware stack', async () => {
      const sent: unknown[] = []
      const aws = {
        send: async (command: object) => {
          sent.push(command.constructor.name)
          return { DbUser: 'IAM:alice', DbPassword: 'password', Expiration: new Date(Date.now() + 900_000) }
        },
      }
      const credentials = create({ aws })
      const login = await credentials.get({ host: WEST, user: 'IAM:alice' })
      expect(login.password).to.equal('password')
      expect(sent).to.deep.equal(['GetClusterCredentialsCommand'])
    })

    it('are fetched once the client can return its region, after a failure', async () => {
      const client = sdk()
      const { region } = client.config
      let asked = 0
      client.config.region = async () => {
        if (++asked === 1) throw new Error('The metadata service does not answer.')
        return region()
      }
      const credentials = create({ aws: client })
      const get = () => credentials.get({ host: WEST, user: 'IAM:alice' })
      expect((await rejection(get())).message).to.contain('The metadata service does not answer.')
      expect(emulator.calls).to.have.length(0)
      await until('the pause is over', () =>
        get().then(
          () => true,
          () => false,
        ),
      )
      client.destroy()
    })

    it('are not fetched from the wrong service or region', async () => {
      const serverless = new RedshiftServerlessClient({ ...emulator.aws, region: 'us-west-2' })
      const cases: [RedshiftOptions['aws'], RedshiftErrorCode, ...names: string[]][] = [
        [serverless, 'ERR_REDSHIFT_OPTION', 'aws', '"Redshift Serverless"', '"Redshift"'],
        [sdk('eu-east-9'), 'ERR_REDSHIFT_TARGET', 'aws', '"eu-east-9"', '"us-west-2"'],
      ]
      for (const [aws, code, ...names] of cases) {
        const error = await rejection(create({ aws }).get({ host: WEST, user: 'IAM:alice' }))
        expectError(error, { code, names })
      }
      expect(emulator.calls).to.have.length(0)
      serverless.destroy()
    })
  })

  it('are fetched through the request handler of the options, which is not destroyed with the client', async () => {
    const { requestHandler } = new RedshiftClient({ ...emulator.aws, region: 'us-west-2' }).config
    let destroyed = 0
    requestHandler.destroy = () => void destroyed++
    const credentials = create({ aws: { ...emulator.aws, requestHandler } })
    await credentials.get({ host: WEST, user: 'IAM:alice' })
    await credentials.close()
    await new Promise(setImmediate)
    expect(destroyed).to.equal(0)
  })

  it('are refused as closed after close(), even for a connection without a cluster', async () => {
    const credentials = create({ aws: emulator.aws })
    expect(await rejection(credentials.get())).to.have.property('code', 'ERR_REDSHIFT_TARGET')
    const password = redshiftPassword(credentials)
    await credentials.close()
    for (const attempt of [
      () => credentials.get(),
      () => credentials.findAddress({}),
      () => password({ ssl: true, user: 'IAM:alice' }),
    ])
      expect(await rejection(attempt())).to.have.property('code', 'ERR_REDSHIFT_CLOSED')
  })

  describe('destroy the clients that were made for them when the credentials are closed', () => {
    const { destroy } = RedshiftClient.prototype
    let destroyed = 0
    beforeEach(() => {
      destroyed = 0
      RedshiftClient.prototype.destroy = function () {
        destroyed++
        destroy.call(this)
      }
    })
    afterEach(() => {
      RedshiftClient.prototype.destroy = destroy
    })

    it('after their use', async () => {
      const credentials = create()
      await Promise.all([WEST, EAST].map(host => credentials.get({ host, user: 'IAM:alice' })))
      await credentials.close()
      await new Promise(setImmediate)
      expect(destroyed).to.equal(2)
    })

    it('while AWS credentials are loading', async () => {
      const loading = new EventEmitter()
      const keys = () => {
        loading.emit('asked')
        return new Promise<never>(() => {})
      }
      const credentials = create({ aws: { ...emulator.aws, credentials: keys } })
      const waiting = rejection(credentials.get({ host: WEST, user: 'IAM:alice' }))
      await once(loading, 'asked')
      await credentials.close()
      expect(await waiting).to.have.property('code', 'ERR_REDSHIFT_CLOSED')
      await new Promise(setImmediate)
      expect(destroyed).to.equal(1)
    })

    it('while the SDK is loading for a caller that has aborted', async () => {
      const clients = new AwsClients({}, systemClock, 100)
      let loaded = (_: object): void => {}
      const service = {
        serviceId: 'Redshift' as const,
        load: () => new Promise<object>(resolve => (loaded = resolve)),
        create: () => ({ send: async () => ({}), destroy: () => void destroyed++ }),
      }
      const call = { action: 'x', target: 'y', region: undefined, resources: [] }
      const waiting = new FetchContext(15_000)
      const sent = clients.send(service, WEST, call, () => ({}), waiting)
      waiting.abort()
      clients.close()
      loaded({})
      await sent
      expect(destroyed).to.equal(1)
    })
  })

  it('use a client per region, and at most maxEntries clients', async () => {
    const made: unknown[] = []
    const clients = new AwsClients({}, systemClock, 2)
    const service = {
      serviceId: 'Redshift' as const,
      load: async () => ({}),
      create: (_: object, { region }: AwsClientConfig) => {
        made.push(region)
        return { send: async () => ({}) }
      },
    }
    const call = { action: 'x', target: 'y', region: undefined, resources: [] }
    const context = new FetchContext(15_000)
    for (const region of ['a', 'b', 'b', 'a', 'c', 'b']) await clients.send(service, region, call, () => ({}), context)
    expect(made).to.deep.equal(['a', 'b', 'c', 'b'])
  })

  it('use a client per service even with one entry, because a login may need both', async () => {
    const made: string[] = []
    const clients = new AwsClients({}, systemClock, 1)
    const service = (serviceId: 'Redshift' | 'Redshift Serverless') => ({
      serviceId,
      load: async () => ({}),
      create: () => {
        made.push(serviceId)
        return { send: async () => ({}) }
      },
    })
    const call = { action: 'x', target: 'y', region: undefined, resources: [] }
    const context = new FetchContext(15_000)
    for (const id of ['Redshift', 'Redshift Serverless', 'Redshift', 'Redshift Serverless'] as const)
      await clients.send(service(id), 'a', call, () => ({}), context)
    expect(made).to.deep.equal(['Redshift', 'Redshift Serverless'])
  })

  it('are refused if aws.region is a function that returns another region than the host', async () => {
    const returning = (region: string) => create({ aws: { ...emulator.aws, region: async () => region } })
    const connection = { host: WEST, user: 'IAM:alice' }
    expectError(await rejection(returning('eu-east-9').get(connection)), {
      code: 'ERR_REDSHIFT_TARGET',
      names: ['aws.region', '"eu-east-9"', '"us-west-2"'],
    })
    expect((await returning('us-west-2').get(connection)).user).to.equal('IAM:alice')
  })

  describe('that are shared through a store', () => {
    const store = new MemoryStore()

    it('are never mixed up between clusters of one name in two regions', async () => {
      const logins = await Promise.all(
        ['us-west-2', 'eu-east-9'].map(region =>
          create({ clusterIdentifier: 'sales', region, dbUser: 'alice', store }).get(),
        ),
      )
      expect(new Set(logins.map(({ password }) => password))).to.have.property('size', 2)
      expect(store.values.size).to.equal(2)
    })

    it('are rejected without a region, because the SDK may find a different one on each host', async () => {
      const ready = new RedshiftClient({ region: 'us-west-2' })
      for (const aws of [emulator.aws, ready, { ...emulator.aws, region: async () => 'us-west-2' }]) {
        const error = await rejection(create({ aws, clusterIdentifier: 'sales', dbUser: 'alice', store }).get())
        expectError(error, { code: 'ERR_REDSHIFT_TARGET', names: ['store', '"sales"', 'region'] })
      }
      ready.destroy()
      expect(emulator.calls).to.deep.equal([])
    })
  })
})
