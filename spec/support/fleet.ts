import { CredentialCache } from '../../lib/cache.js'
import type { Clock, Timer } from '../../lib/clock.js'
import { RedshiftCredentialsError } from '../../lib/errors.js'
import type { Fetch } from '../../lib/fetch.js'
import type { RedshiftLogin } from '../../lib/login.js'
import type { CredentialRequest } from '../../lib/request.js'
import { SharedLogins } from '../../lib/store/shared.js'
import type { CredentialStore, StoredValue } from '../../lib/store/store.js'
import { requestFor } from './simulation.js'

/** Lets everything that is settled run its course, promises of promises too. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

interface Pending {
  at: number
  run(): void
}

/** True time, in milliseconds since the epoch, and what is to happen in it. No real time plays a part. */
export class Timeline {
  now = Date.parse('2026-03-01T12:00:00Z')
  #pending: Pending[] = []

  at(time: number, run: () => void): Pending {
    const pending = { at: time, run }
    this.#pending.push(pending)
    return pending
  }

  /** Puts off what was about to happen. */
  put(pending: Pending, time: number): void {
    pending.at = time
    this.#pending.push(pending)
  }

  drop(pending: Pending): void {
    this.#pending = this.#pending.filter(other => other !== pending)
  }

  /** Nothing can happen for so long; what was to happen meanwhile happens then, in its order. */
  block(millis: number): void {
    this.now += millis
  }

  /** Lets time pass, event by event. */
  async advance(millis: number): Promise<void> {
    const end = this.now + millis
    await settle()
    for (;;) {
      const [next] = this.#pending.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)
      if (!next) break
      this.drop(next)
      this.now = Math.max(this.now, next.at)
      next.run()
      await settle()
    }
    this.now = end
  }
}

/** What a store does with an operation. `after`: when it carries it out, in milliseconds. `reply`: when it says so. */
export interface StoreBehaviour {
  readonly after?: number
  readonly reply?: number
  /** It carries nothing out. */
  readonly lost?: boolean
  /** Its answer is an error. */
  readonly fails?: boolean
  /** Its answer never comes. */
  readonly silent?: boolean
  /** It throws instead of giving a promise. */
  readonly throws?: boolean
  /** What it answers in place of the truth. */
  readonly lie?: unknown
}

/** One operation, as the store saw it. */
export interface StoreCall {
  readonly operation: 'read' | 'claim' | 'write' | 'release' | 'remove'
  readonly host: number
  readonly at: number
  readonly lifetimeMillis: number | undefined
  readonly signal: AbortSignal
}

/** A store by the book, whose behaviour can be changed. Its clock is its own. */
export class SimulatedStore {
  readonly calls: StoreCall[] = []
  readonly values = new Map<string, { value: string; until: number }>()
  readonly claims = new Map<string, { token: string; until: number }>()
  behaviour: (call: StoreCall) => StoreBehaviour = () => ({})
  readonly #time: Timeline

  constructor(time: Timeline) {
    this.#time = time
  }

  /** The store as one host sees it. */
  connect(host: SimulatedHost, identity: string, encryptionKeys: readonly Uint8Array[]): CredentialStore {
    const run = <T>(
      operation: StoreCall['operation'],
      signal: AbortSignal,
      carryOut: () => T,
      lifetimeMillis?: number,
    ): Promise<T> => {
      const call = { operation, host: host.number, at: this.#time.now, lifetimeMillis, signal }
      this.calls.push(call)
      const { after = 1, reply = after + 1, lost, fails, silent, throws, lie } = this.behaviour(call)
      if (throws) throw new Error('It throws.')
      return new Promise((resolve, reject) => {
        let result: T
        if (!lost)
          this.#time.at(this.#time.now + after, () => {
            result = carryOut()
          })
        if (silent) return
        host.later(reply, () =>
          fails ? reject(new Error('It fails.')) : resolve(lie === undefined ? result : (lie as T)),
        )
      })
    }
    return {
      identity,
      encryptionKeys,
      read: (key, signal) =>
        run('read', signal, () => ({ stored: this.value(key), claimed: this.claimOn(key) !== undefined })),
      claim: (key, token, millis, signal) =>
        run('claim', signal, () => {
          const claim = this.claimOn(key)
          if (claim && claim !== token) return false
          this.claims.set(key, { token, until: this.#time.now + millis })
          return true
        }),
      write: (key, token, value, lifetimeMillis, signal) =>
        run(
          'write',
          signal,
          () => {
            if (this.claimOn(key) !== token) return false
            this.values.set(key, { value, until: this.#time.now + lifetimeMillis })
            this.claims.delete(key)
            return true
          },
          lifetimeMillis,
        ),
      release: (key, token, signal) =>
        run('release', signal, () => {
          if (this.claimOn(key) === token) this.claims.delete(key)
        }),
      remove: (key, value, signal) =>
        run('remove', signal, () => {
          if (this.value(key)?.value === value) this.values.delete(key)
        }),
    }
  }

  value(key: string): StoredValue | undefined {
    const { value, until } = this.values.get(key) ?? { value: '', until: 0 }
    return until > this.#time.now ? { value, remainingMillis: until - this.#time.now } : undefined
  }

  claimOn(key: string): string | undefined {
    const { token, until } = this.claims.get(key) ?? { token: '', until: 0 }
    return until > this.#time.now ? token : undefined
  }

  /** How often it was asked to do this, by this host. */
  count(operation: StoreCall['operation'], host?: SimulatedHost): number {
    return this.calls.filter(call => call.operation === operation && (!host || call.host === host.number)).length
  }
}

/** What AWS does with a call: it answers after so long, or fails, or never answers. */
export interface AwsBehaviour {
  readonly after?: number
  readonly fails?: boolean
  readonly silent?: boolean
  /** It has no newer login yet: the expiry of the last one. */
  readonly sameExpiry?: boolean
  /** It gives the last login once more. */
  readonly repeats?: boolean
}

/** One call to AWS. */
export interface AwsCall {
  readonly host: SimulatedHost
  readonly target: string
  readonly at: number
  answeredAt: number | undefined
}

/** A process of the fleet: its cache, its clocks, its place in front of the store. */
export class SimulatedHost {
  readonly number: number
  readonly cache: CredentialCache
  alive = true
  /** How far its wall clock is ahead. */
  wallError: number
  readonly #time: Timeline
  #frozenUntil = 0

  constructor(fleet: SimulatedFleet, number: number, wallError: number, keys: readonly Uint8Array[], identity: string) {
    this.#time = fleet.time
    this.number = number
    this.wallError = wallError
    const { random } = fleet
    const { fetchTimeoutMillis } = fleet
    const shared = new SharedLogins({
      store: fleet.store.connect(this, identity, keys),
      encryptionKeys: keys,
      clock: this.clock,
      random,
      fetch: fleet.fetchFor(this),
      prepare: () => this.prepare(),
      fetchTimeoutMillis,
      endpoint: undefined,
    })
    this.cache = new CredentialCache({
      clock: this.clock,
      random,
      fetch: shared.fetch,
      replaced: shared.remove,
      maxEntries: 100,
      fetchTimeoutMillis,
    })
  }

  /** Loads what it calls AWS with. */
  prepare = async (): Promise<void> => {}

  /** It is stopped for so long, as by SIGSTOP: what was to happen in it happens afterwards. */
  freeze(millis: number): void {
    this.#frozenUntil = this.#time.now + millis
  }

  /** It is gone, as after SIGKILL: nothing that was to happen in it happens. */
  kill(): void {
    this.alive = false
  }

  get(target = 'examplecluster'): Promise<RedshiftLogin> {
    return this.cache.get(target, requestFor(target))
  }

  /** Something that happens in this process. */
  later(millis: number, run: () => void): Pending {
    const pending = this.#time.at(this.#time.now + millis, () => {
      if (this.#time.now < this.#frozenUntil) this.#time.put(pending, this.#frozenUntil)
      else if (this.alive) run()
    })
    return pending
  }

  readonly clock: Clock = {
    now: () => ({ wall: this.#time.now + this.wallError, monotonic: this.#time.now % 1e9 }),
    setTimeout: (run: () => void, millis: number): Timer => {
      const pending = this.later(millis, run)
      return { ref: () => {}, unref: () => {}, cancel: () => this.#time.drop(pending) }
    },
    turn: run => void this.later(0, run),
  }
}

/** Processes that share a store, and AWS behind it. */
export class SimulatedFleet {
  readonly time = new Timeline()
  readonly store = new SimulatedStore(this.time)
  readonly hosts: SimulatedHost[] = []
  readonly calls: AwsCall[] = []
  /** When each login that AWS has handed out expires, by password. */
  readonly issued = new Map<string, { target: string; expiration: number }>()
  aws: (call: AwsCall) => AwsBehaviour = () => ({})
  readonly random: () => number
  readonly #keys: readonly Uint8Array[] = [new Uint8Array(32).fill(7)]

  readonly fetchTimeoutMillis: number
  readonly #lifetimeMillis: number

  constructor(
    size: number,
    options: { random?: () => number; fetchTimeoutMillis?: number; lifetimeSeconds?: number } = {},
  ) {
    const { random = () => 0.5, fetchTimeoutMillis = 15_000, lifetimeSeconds = 900 } = options
    this.#lifetimeMillis = lifetimeSeconds * 1_000
    this.random = random
    this.fetchTimeoutMillis = fetchTimeoutMillis
    for (let count = 0; count < size; count++) this.start()
  }

  /** A process more. */
  start({ wallError = 0, keys = this.#keys, identity = 'reports' } = {}): SimulatedHost {
    const host = new SimulatedHost(this, this.hosts.length, wallError, keys, identity)
    this.hosts.push(host)
    return host
  }

  host(number: number): SimulatedHost {
    const host = this.hosts[number]
    if (!host) throw new RangeError(`There is no host ${number}.`)
    return host
  }

  /** What every process that lives gets, as soon as all have it. */
  async getAll(target?: string): Promise<RedshiftLogin[]> {
    return this.run(Promise.all(this.hosts.filter(({ alive }) => alive).map(host => host.get(target))))
  }

  /** Lets time pass until this is settled; a minute at most. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    promise.then(settle, settle)
    for (const end = this.time.now + 60_000; !settled && this.time.now < end; ) await this.time.advance(5)
    if (!settled) throw new Error('It was not settled within a minute.')
    return promise
  }

  fetchFor(host: SimulatedHost): Fetch {
    return (request: CredentialRequest) =>
      new Promise((resolve, reject) => {
        const target = ('workgroupName' in request && request.workgroupName) || ''
        const call: AwsCall = { host, target, at: this.time.now, answeredAt: undefined }
        this.calls.push(call)
        const sentAt = host.clock.now()
        const { after = 50, fails, silent, sameExpiry, repeats } = this.aws(call)
        if (silent) return
        host.later(after, () => {
          call.answeredAt = this.time.now
          if (fails) return reject(new RedshiftCredentialsError('ERR_REDSHIFT_UNAVAILABLE', 'AWS fails. Wait.'))
          const [lastPassword, last] = [...this.issued].filter(([, login]) => login.target === target).at(-1) ?? []
          const expiration = (sameExpiry || repeats) && last ? last.expiration : this.time.now + this.#lifetimeMillis
          const password = repeats && lastPassword ? lastPassword : `${target} ${this.issued.size + 1}`
          this.issued.set(password, { target, expiration })
          resolve({
            user: 'IAMR:analyst',
            password,
            expiration: new Date(expiration),
            nextRefreshTime: undefined,
            serverTime: Math.floor(this.time.now / 1_000) * 1_000,
            sentAt,
          })
        })
      })
  }
}
