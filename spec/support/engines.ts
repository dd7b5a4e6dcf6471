import type { CredentialStore } from '../../lib/store/store.js'
import { DynaliteServer } from './dynalite.js'
import { glide } from './glide.js'
import { hasRedis, RedisServer } from './redis.js'

/** A package by which a process reaches the store. */
export type StoreClient = 'redis' | 'ioredis' | 'glide' | 'dynamodb'

/** What each `fleet-store-….ts` exports. */
export type OpenStore = (
  url: string,
  options: { readonly encryptionKeys: readonly string[]; readonly identity: string },
) => Promise<CredentialStore>

/** The server of a store. */
export interface StoreServer {
  readonly port: number
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Starts it, empty, on the same port. */
  restart(): Promise<void>
}

/** What a fleet can share its logins through. */
export interface Engine {
  readonly name: string
  /** False where it is not installed. */
  readonly isInstalled: boolean
  /** The packages that reach it. The processes of a fleet use them by turns. */
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
    // Its clock is in whole seconds, at the write and at the read.
    coarsenessMillis: 2_000,
    start: () => DynaliteServer.start(),
    urlAt: port => `http://127.0.0.1:${port}`,
  },
]
