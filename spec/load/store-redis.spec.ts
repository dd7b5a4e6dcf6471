import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { Decoder } from '@valkey/valkey-glide'
import { expect } from 'chai'
import { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import { createClient, createClientPool, createCluster } from 'redis'
import { createClient as createClient4 } from 'redis4'
import { checkStore, type RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, RedshiftPool, type StoreMessage } from '../../lib/index.js'
import { type RedisStoreClient, redisStore } from '../../lib/store/redis.js'
import { startEmulator } from '../support/emulator.js'
import { addressesOf, glide } from '../support/glide.js'
import { needsRedis, RedisServer } from '../support/redis.js'
import { rejection } from '../support/rejection.js'
import { until } from '../support/until.js'

const KEY = randomBytes(32)
const ignore = (): void => {}

interface Connected {
  readonly client: RedisStoreClient
  close(): unknown
}

/** A connection of one of the packages. */
interface Connection extends Connected {
  /** A command that the server executes after all that were sent before it. */
  ping(): Promise<unknown>
}

async function nodeRedis(url: string): Promise<Connection> {
  const client = await createClient({ url }).on('error', ignore).connect()
  return { client, ping: () => client.ping(), close: () => client.destroy() }
}

function ioRedis(url: string, options = {}): Connection {
  const client = new Redis(url, { retryStrategy: () => 20, ...options }).on('error', ignore)
  return { client, ping: () => client.ping(), close: () => client.disconnect() }
}

async function nodeRedis4(url: string, options = {}): Promise<Connected> {
  const client = createClient4({ url, ...options }).on('error', ignore)
  await client.connect()
  return { client: client as unknown as RedisStoreClient, close: () => client.disconnect() }
}

/** The default is 250 ms, which a busy machine may need. */
const PATIENT = { requestTimeout: 10_000 }
const BYTES = glide && { defaultDecoder: glide.Decoder.Bytes }

async function valkeyGlide(
  url: string,
  options: { requestTimeout?: number; defaultDecoder?: Decoder } = {},
): Promise<Connection> {
  if (!glide) throw new Error('Valkey GLIDE has no native part for this platform.')
  const client = await glide.GlideClient.createClient({
    addresses: addressesOf(url),
    ...options,
  })
  return { client, ping: () => client.ping(), close: () => client.close() }
}

describe('logins that are shared through Redis', () => {
  let emulator: RedshiftEmulator
  let redis: RedisServer
  /** A separate client for set-up and inspection. */
  let admin: Redis
  const open: { close(): unknown }[] = []
  const messages: StoreMessage[] = []
  const note = (message: unknown): void => void messages.push(message as StoreMessage)

  before(async function () {
    needsRedis(this)
    ;[emulator, redis] = await Promise.all([startEmulator(), RedisServer.start('--enable-debug-command', 'yes')])
    admin = new Redis(redis.url, { retryStrategy: () => 20 }).on('error', ignore)
    subscribe('pg-redshift-iam:store', note)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(it => it.close()))
    await admin.flushall()
    emulator.calls.length = 0
    messages.length = 0
  })
  after(async () => {
    unsubscribe('pg-redshift-iam:store', note)
    admin?.disconnect()
    await Promise.all([emulator?.close(), redis?.kill()])
  })

  /** Credentials as in each process of a fleet. */
  function share(
    { client, close }: Connected,
    { keys = [KEY], identity = 'reports', prefix }: Partial<{ keys: Buffer[]; identity: string; prefix: string }> = {},
  ) {
    const store = redisStore(client, { encryptionKeys: keys, identity, prefix })
    const { host, database } = emulator.poolConfig()
    const credentials = new RedshiftCredentials({
      aws: emulator.aws,
      host,
      database,
      dbUser: 'alice',
      autoCreate: true,
      store,
    })
    open.push(credentials, { close })
    return credentials
  }

  const stored = async (): Promise<[string, string][]> => {
    const keys = (await admin.keys('*')).sort()
    return Promise.all(keys.map(async key => [key, (await admin.get(key)) ?? '']))
  }
  /** The login's value and its name; the owner of the claim may not have released it yet. */
  const storedLogin = async (): Promise<[string, string]> => {
    await until('the claim is released', async () => (await stored()).length === 1)
    const [only] = await stored()
    if (!only) throw new Error('Nothing is stored.')
    return only
  }

  const clients: Record<string, () => Connected | Promise<Connected>> = {
    'node-redis': () => nodeRedis(redis.url),
    'node-redis, a pool': async () => {
      const client = createClientPool({ url: redis.url }).on('error', ignore)
      await client.connect()
      return { client, close: () => client.destroy() }
    },
    'node-redis, with RESP 2': async () => {
      const client = await createClient({ url: redis.url, RESP: 2 }).on('error', ignore).connect()
      return { client, close: () => client.destroy() }
    },
    ioredis: () => ioRedis(redis.url),
    'ioredis, with lazyConnect': () => ioRedis(redis.url, { lazyConnect: true }),
    'ioredis, with its own prefix and numbers as strings': () =>
      ioRedis(redis.url, { keyPrefix: 'app:', stringNumbers: true }),
    'node-redis 4': () => nodeRedis4(redis.url),
    'node-redis 4, in its legacy mode': () => nodeRedis4(redis.url, { legacyMode: true }),
    ...(glide && {
      'Valkey GLIDE': () => valkeyGlide(redis.url, PATIENT),
      'Valkey GLIDE, with bytes for strings': () => valkeyGlide(redis.url, { ...PATIENT, ...BYTES }),
    }),
  }
  for (const [name, connect] of Object.entries(clients))
    it(`are fetched once, and work, with ${name}`, async () => {
      const fleet = await Promise.all(Array.from({ length: 5 }, async () => share(await connect())))
      const logins = await Promise.all(fleet.map(credentials => credentials.get()))
      expect(new Set(logins.map(({ password }) => password)).size).to.equal(1)
      expect(emulator.calls).to.have.lengthOf(1)
      const [, , , , last] = fleet
      const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: last })
      expect((await pool.query('select session_user')).rows).to.deep.equal([{ session_user: 'IAMA:alice' }])
      await pool.end()
    })

  /** Creates the user `logins` with the password `hunter2`, as docs/fleet.md does. */
  async function createLimitedUser(client: Redis): Promise<void> {
    const page = readFileSync(new URL('../../docs/fleet.md', import.meta.url), 'utf8')
    const [, rules = ''] = /^ACL SETUSER logins on (.+)$/m.exec(page) ?? []
    await client.call('ACL', 'SETUSER', 'logins', 'on', ...rules.replace('<password>', 'hunter2').split(' '))
  }

  it('pass checkStore with each client', async () => {
    const connections = await Promise.all(Object.values(clients).map(connect => connect()))
    open.push(...connections)
    await Promise.all(
      connections.map(({ client }) => checkStore(redisStore(client, { encryptionKeys: [KEY], identity: 'reports' }))),
    )
  })

  describe('on a cluster', () => {
    let node: RedisServer
    const state = join(tmpdir(), `pg-redshift-iam-${process.pid}-nodes.conf`)
    before(async () => {
      const flags = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-config-file', state]
      node = await RedisServer.start(...flags)
      const client = new Redis(node.url)
      await client.cluster('ADDSLOTSRANGE', 0, 16_383)
      await until('the cluster is up', async () => (await client.cluster('INFO')).includes('cluster_state:ok'))
      await createLimitedUser(client)
      client.disconnect()
    })
    after(async () => {
      await node.kill()
      rmSync(state, { force: true })
    })

    const users = {
      '': undefined,
      ' of a user with only the permissions in docs/fleet.md': { username: 'logins', password: 'hunter2' },
    }
    for (const [whose, user] of Object.entries(users))
      it(`are fetched once by clients of all packages${whose}`, async () => {
        const cluster = await createCluster({ rootNodes: [{ url: node.url }], ...(user && { defaults: user }) })
          .on('error', ignore)
          .connect()
        const redisOptions = { ...user }
        const identity = user?.username ?? 'everyone'
        const other = new Cluster([{ host: '127.0.0.1', port: node.port }], { redisOptions }).on('error', ignore)
        const one = share({ client: cluster, close: () => cluster.destroy() }, { identity })
        const two = share({ client: other, close: () => other.disconnect() }, { identity })
        const third = await glide?.GlideClusterClient.createClient({
          addresses: addressesOf(node.url),
          ...PATIENT,
          ...(user && { credentials: user }),
        })
        const three = third && share({ client: third, close: () => third.close() }, { identity })
        const logins = await Promise.all([one.get(), two.get(), three?.get() ?? one.get()])
        expect(new Set(logins.map(({ password }) => password)).size).to.equal(1)
        expect(emulator.calls).to.have.lengthOf(1)
      })

    it('have their value and their claim on one node', async () => {
      const single = new Redis(node.url)
      open.push({ close: () => single.disconnect() })
      const names = new Set<string>()
      const run = (script: string, options: { keys: string[]; arguments: string[] }) => {
        for (const name of options.keys) names.add(name)
        return single.eval(script, options.keys.length, ...options.keys, ...options.arguments)
      }
      await share({ client: { isOpen: true, eval: run }, close: ignore }).get()
      expect([...names].map(name => name.split(':').at(-1))).to.have.members(['login', 'claim'])
      const slots = await Promise.all([...names].map(name => single.cluster('KEYSLOT', name)))
      expect(new Set(slots).size).to.equal(1)
    })
  })

  it('are fetched separately for each identity and each prefix', async () => {
    const connection = await nodeRedis(redis.url)
    await share(connection).get()
    await share(connection, { identity: 'exports' }).get()
    await share(connection, { prefix: 'staging:' }).get()
    await share(connection, { prefix: 'staging:' }).get()
    expect(emulator.calls).to.have.lengthOf(3)
  })

  it('are stored encrypted, under a name that reveals nothing, until they expire', async () => {
    const { user, password } = await share(await nodeRedis(redis.url)).get()
    const [name, value] = await storedLogin()
    expect(name).to.match(/^pg-redshift-iam:\{[\w-]{43}\}:login$/)
    const clear = value + Buffer.from(value.slice(3), 'base64url').toString('latin1')
    for (const secret of [password, user, 'alice', 'examplecluster', 'reports']) expect(clear).to.not.include(secret)
    expect(await admin.pttl(name)).to.be.within(890_000, 900_000)
    expect(inspect(messages, { depth: 9 }))
      .to.include('written')
      .and.not.include(password)
  })

  it('are served while keys are rotated, from the old key alone to the new key alone', async () => {
    const next = randomBytes(32)
    const connection = await nodeRedis(redis.url)
    await share(connection).get()
    for (const keys of [
      [KEY, next],
      [next, KEY],
    ])
      await share(connection, { keys }).get()
    expect(emulator.calls).to.have.lengthOf(1)
    await share(connection, { keys: [next] }).get()
    expect(emulator.calls).to.have.lengthOf(2)
    expect(messages.filter(({ event }) => event === 'ignored').map(({ reason }) => reason)).to.deep.equal([
      'unreadable',
    ])
  })

  it('are replaced for all by one call when the server rejects them', async () => {
    const shortLived = await startEmulator({ lifetimeSeconds: 20 })
    const config = { ...shortLived.poolConfig(), user: 'IAMA:alice', maxUses: 1 }
    const pools = await Promise.all(
      [1, 2, 3].map(async () => {
        const connection = await nodeRedis(redis.url)
        open.push(connection)
        const store = redisStore(connection.client, { encryptionKeys: [KEY], identity: 'reports' })
        return new RedshiftPool({ ...config, redshift: { aws: shortLived.aws, store } })
      }),
    )
    for (const pool of pools) await pool.query('select 1')
    const [, before] = await storedLogin()
    // A login that is rejected in the first twentieth of its lifetime is not replaced: another would be rejected as well.
    await delay(1_100)
    shortLived.revokeLogins()
    await Promise.all(pools.map(pool => pool.query('select 1')))
    expect(shortLived.calls).to.have.lengthOf(2)
    expect((await storedLogin())[1]).to.not.equal(before)
    await Promise.all(pools.map(pool => pool.end()))
    await shortLived.close()
  })

  it('come from AWS, and are stored, if the stored value is garbage, or of another type', async () => {
    const connection = await nodeRedis(redis.url)
    const first = await share(connection).get()
    const [name, value] = await storedLogin()
    const spoil: Record<string, () => Promise<unknown>> = {
      unreadable: () =>
        admin.set(
          name,
          value.replace(/.$/, last => (last === 'A' ? 'B' : 'A')),
          'PX',
          5_000,
        ),
      lifetime: () => admin.persist(name),
      failed: async () => {
        await admin.del(name)
        await admin.rpush(name, 'a list')
      },
    }
    for (const [reason, run] of Object.entries(spoil)) {
      messages.length = 0
      await admin.set(name, value, 'PX', 800_000)
      await run()
      expect((await share(connection).get()).password).to.not.equal(first.password)
      expect(messages[0]?.reason).to.equal(reason)
    }
    expect(messages[0]).to.include({ event: 'direct', operation: 'read', detail: 'Error WRONGTYPE' })
  })

  const packages = { 'node-redis': nodeRedis, ioredis: ioRedis, ...(glide && { 'Valkey GLIDE': valkeyGlide }) }
  for (const [name, connect] of Object.entries(packages)) {
    // GLIDE has a time limit of 250 ms, which a busy machine may notice after ours of 300 ms.
    const reasons = connect === valkeyGlide ? ['failed', 'slow'] : ['slow']
    it(`come from AWS while Redis hangs, and no claim remains when it resumes, with ${name}`, async () => {
      const credentials = share(await connect(redis.url))
      await admin.ping()
      const asleep = new Redis(redis.url, { retryStrategy: () => 20 }).on('error', ignore)
      open.push({ close: () => asleep.disconnect() })
      await once(asleep, 'ready')
      // It is sent before the commands of the store.
      const sleep = asleep.call('DEBUG', 'SLEEP', '1.5')
      await credentials.get()
      expect(messages).to.have.lengthOf(1)
      expect(messages[0]?.event).to.equal('direct')
      expect(messages[0]?.reason).to.be.oneOf(reasons)
      await sleep
      expect(await stored()).to.deep.equal([])
    })

    it(`come from AWS while Redis is down, and no outdated command is sent afterwards, with ${name}`, async () => {
      const connection = await connect(redis.url)
      const { client, ping } = connection
      const isReady = async () => {
        if ('status' in client) return client.status === 'ready'
        if ('isOpen' in client) return client.isReady === true
        return (await ping().catch(ignore)) === 'PONG'
      }
      const [before, during] = [share(connection), share(connection, { identity: 'exports' })]
      await before.get()
      // ioredis resends a pending command.
      await storedLogin()
      await redis.kill()
      await until('the client has noticed', async () => !(await isReady()))
      await during.get()
      expect(messages.at(-1)).to.include({ event: 'direct', operation: 'read' })
      expect(messages.at(-1)?.reason).to.be.oneOf(reasons)
      await redis.restart()
      await until('the client is back', isReady)
      await until('the other client is back too', () => admin.status === 'ready')
      await ping()
      expect(await admin.info('commandstats'), 'commands that were kept').to.not.include('eval')
      // Redis is used again.
      const calls = emulator.calls.length
      const after = [share(connection, { identity: 'others' }), share(connection, { identity: 'others' })]
      await Promise.all(after.map(credentials => credentials.get()))
      expect(emulator.calls).to.have.lengthOf(calls + 1)
    })
  }

  it('are shared by Redis users with only the permissions in docs/fleet.md', async () => {
    await createLimitedUser(admin)
    const url = redis.url.replace('//', '//logins:hunter2@')
    const fleet = [share(await nodeRedis(url)), share(ioRedis(url))]
    await Promise.all(fleet.map(credentials => credentials.get()))
    expect(emulator.calls).to.have.lengthOf(1)
    const limited = new Redis(url)
    open.push({ close: () => limited.disconnect() })
    for (const refused of [limited.keys('*'), limited.get('another')])
      expect((await rejection(refused)).message).to.include('NOPERM')
  })

  it('come from AWS if Redis is full, and a message is published', async () => {
    await admin.config('SET', 'maxmemory', '1')
    try {
      await share(await nodeRedis(redis.url)).get()
      expect(messages.at(-1)).to.include({
        event: 'direct',
        operation: 'claim',
        reason: 'failed',
        detail: 'Error OOM',
      })
    } finally {
      await admin.config('SET', 'maxmemory', '0')
    }
  })

  it('come from AWS if Redis is read-only, like a replica, and a message is published', async () => {
    const connections = await Promise.all([nodeRedis(redis.url), ioRedis(redis.url)])
    const fleet = connections.map(connection => share(connection))
    // Its primary is unreachable: it has the data from before.
    await admin.replicaof('127.0.0.1', 1)
    try {
      for (const credentials of fleet) {
        await credentials.get()
        expect(messages.at(-1)).to.include({ event: 'direct', operation: 'claim', reason: 'failed' })
        expect(messages.at(-1)?.detail).to.match(/ READONLY$/)
      }
      expect(emulator.calls).to.have.lengthOf(2)
    } finally {
      await admin.replicaof('NO', 'ONE')
    }
  })

  it('come from AWS if a client is closed, or was never connected', async () => {
    const closed = await nodeRedis(redis.url)
    closed.close()
    const ended = ioRedis(redis.url)
    ended.close()
    for (const connection of [closed, ended, { client: createClient({ url: redis.url }), close: ignore }]) {
      const credentials = share({ client: connection.client, close: ignore })
      const { user, password } = await credentials.get()
      const client = new pg.Client({ ...emulator.poolConfig(), user, password })
      await client.connect()
      await client.end()
    }
    expect(emulator.calls).to.have.lengthOf(3)
  })
})
