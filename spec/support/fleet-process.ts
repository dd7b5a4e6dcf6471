/**
 * One process of a fleet, like a user's: it repeatedly asks for the login, and opens connections with it. It gets its orders
 * through the channel to its parent, so that no secret is in its arguments.
 */
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { gatewayStream } from '../../lib/emulator/gateway/gateway-stream.js'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { type CredentialStore, RedshiftCredentials, redshiftPassword, type StoreMessage } from '../../lib/index.js'
import type { OpenStore, StoreClient } from './engines.js'

/** The settings of a process when it starts. */
export interface FleetSetUp {
  /** The package to use, and where the store is; without it, there is no store. */
  readonly store: { readonly by: StoreClient; readonly url: string } | undefined
  readonly encryptionKey: string
  readonly aws: RedshiftEmulator['aws']
  readonly connection: { readonly host: string; readonly port: number; readonly database: string; readonly ca: string }
  readonly gatewayPort: number
  /** How often it asks for the login, and how often it opens a connection, in milliseconds. */
  readonly askMillis: number
  readonly connectMillis: number
}

/** The orders that follow, one after another: each is confirmed by a report. */
export type FleetOrder =
  /** Fetch the login for this database, once. */
  | { readonly kind: 'fetch'; readonly database: string }
  /** Start to work. */
  | { readonly kind: 'work' }
  | { readonly kind: 'report' }

/** What it has observed so far. */
export interface FleetReport {
  /** Milliseconds from its first order to the first connection. */
  readonly firstConnection: number | undefined
  readonly asked: number
  readonly connections: number
  /** How many operations the store has carried out for it. */
  readonly operations: number
  /** Its failures, counted. */
  readonly failures: Readonly<Record<string, number>>
  /** The store's messages, counted: `direct claim slow`. */
  readonly events: Readonly<Record<string, number>>
}

const USER = 'IAM:alice'

const count = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1
}

// Each process loads only one of the packages, like a user's.
const stores: Readonly<Record<StoreClient, () => Promise<{ open: OpenStore }>>> = {
  redis: () => import('./fleet-store-redis.js'),
  ioredis: () => import('./fleet-store-ioredis.js'),
  glide: () => import('./fleet-store-glide.js'),
  dynamodb: () => import('./fleet-store-dynamodb.js'),
}

async function open({ by, url }: NonNullable<FleetSetUp['store']>, encryptionKey: string) {
  const { open } = await stores[by]()
  return open(url, { encryptionKeys: [encryptionKey], identity: 'arn:aws:iam::123456789012:role/fleet' })
}

function counted(store: CredentialStore, count: () => void): CredentialStore {
  const { identity, encryptionKeys, operationMillis } = store
  const tell =
    <Args extends readonly unknown[], Result>(run: (...args: Args) => Result) =>
    (...args: Args): Result => {
      count()
      return run(...args)
    }
  return {
    identity,
    encryptionKeys,
    operationMillis,
    read: tell(store.read.bind(store)),
    claim: tell(store.claim.bind(store)),
    write: tell(store.write.bind(store)),
    release: tell(store.release.bind(store)),
    remove: tell(store.remove.bind(store)),
  }
}

async function start(setUp: FleetSetUp): Promise<(order: FleetOrder) => Promise<FleetReport>> {
  const { encryptionKey, aws, connection, gatewayPort, askMillis, connectMillis } = setUp
  const events: Record<string, number> = {}
  subscribe('pg-redshift-iam:store', message => {
    const { event, operation, reason, detail } = message as StoreMessage
    count(events, [event, operation, reason, detail].filter(Boolean).join(' '))
  })
  let operations = 0
  const store = setUp.store && counted(await open(setUp.store, encryptionKey), () => operations++)
  // Twenty processes that load the AWS SDK at the same time on a busy machine need longer than the default.
  const credentials = new RedshiftCredentials({ aws, store, fetchTimeoutMillis: 120_000 })
  const { ca, ...config } = connection

  let asked = 0
  let connections = 0
  let firstConnection: number | undefined
  const failures: Record<string, number> = {}
  const attempt = (action: () => Promise<void>): Promise<void> =>
    action().catch(error => count(failures, `${error.code}: ${error.message}`))
  const repeat = async (millis: number, action: () => Promise<void>): Promise<never> => {
    for (;;) {
      await attempt(action)
      await delay(millis)
    }
  }
  const ask = async (database = config.database): Promise<void> => {
    await credentials.get({ ...config, user: USER, database })
    asked++
  }
  const connect = async (begin: number): Promise<void> => {
    const stream = gatewayStream(gatewayPort)
    const client = new pg.Client({
      ...config,
      user: USER,
      ssl: { ca },
      stream,
      password: redshiftPassword(credentials),
    })
    await client.connect()
    firstConnection ??= performance.now() - begin
    connections++
    await client.end()
  }
  return async order => {
    const begin = performance.now()
    if (order.kind === 'fetch') await attempt(() => ask(order.database))
    else if (order.kind === 'work') {
      void repeat(askMillis, ask)
      void repeat(connectMillis, () => connect(begin))
    }
    return { firstConnection, asked, connections, operations, failures, events }
  }
}

process.once('message', async (setUp: FleetSetUp) => {
  const carryOut = await start(setUp)
  process.on('message', async (order: FleetOrder) => process.send?.(await carryOut(order)))
  process.send?.('ready')
})
// It has nothing to do without its parent.
process.once('disconnect', () => process.exit())
