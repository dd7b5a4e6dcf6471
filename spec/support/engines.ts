import type { CredentialStore } from '../../lib/store/store.js'
import { DynaliteServer } from './dynalite.js'
import { glide } from './glide.js'
import { hasRedis, RedisServer } from './redis.js'

/** A package with which a process connects to the store. */
export type StoreClient = 'redis' | 'ioredis' | 'glide' | 'dynamodb'

/** The exports of each `fleet-store-….ts`. */
export type OpenStore = (
  url: string,
  options: { readonly encryptionKeys: readonly string[]; readonly identity: string },
) => Promise<CredentialStore>

/** The server of a store. */
export interface StoreServer {
  readonly port: number
  /** Kills it, like a crash. */
  kill(): Promise<void>
  /** Starts it, empty, on the same port. */
  restart(): Promise<void>
}

/** A kind of store for the logins of a fleet. */
export interface Engine {
  readonly name: string
  /** False if it is not installed. */
  readonly isInstalled: boolean
  /** The packages that connect to it. The processes of a fleet use them in turn. */
  readonly clients: readonly StoreClient[]
  /** By how much a login of the store may seem older than it is, in milliseconds. */
  readonly coarsenessMillis: number
  start(): Promise<StoreServer>
  urlAt(port: number): string
}

export const engines: readonly Engine[] = [
  {
    name: 'Redis',
    isInstalled: hasRedis,
    clients: ['redis', 'ioredis', ...(glide ? (['glide'] as const) : [])],
    coarsenessMillis: 0,
    start: () => RedisServer.start(),
    urlAt: port => `redis://127.0.0.1:${port}`,
  },
  {
    name: 'DynamoDB',
    isInstalled: true,
    clients: ['dynamodb'],
    // Its clock has whole seconds, at the write and at the read.
    coarsenessMillis: 2_000,
    start: () => DynaliteServer.start(),
    urlAt: port => `http://127.0.0.1:${port}`,
  },
]
