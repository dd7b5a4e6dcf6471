import { CredentialCache } from '../../lib/cache.js'
import type { Clock, Timer } from '../../lib/clock.js'
import { RedshiftCredentialsError } from '../../lib/errors.js'
import type { Fetch } from '../../lib/fetch-context.js'
import type { RedshiftLogin } from '../../lib/login.js'
import { SharedLogins } from '../../lib/store/shared-logins.js'
import type { CredentialStore, StoredValue } from '../../lib/store/store.js'
import { requestFor } from './simulation.js'

/** Waits until everything that is settled has taken effect, including promises of promises. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

interface Pending {
  at: number
  run(): void
}

/** True time, in milliseconds since the epoch, and its scheduled events. Real time plays no part. */
export class Timeline {
  now = Date.parse('2026-03-01T12:00:00Z')
  #pending: Pending[] = []

  at(time: number, run: () => void): Pending {
    const pending = { at: time, run }
    this.#pending.push(pending)
    return pending
  }

  /** Delays the scheduled events. */
  put(pending: Pending, time: number): void {
    pending.at = time
    this.#pending.push(pending)
  }

  drop(pending: Pending): void {
    this.#pending = this.#pending.filter(other => other !== pending)
  }

  /** Blocks for this time; events that are due then happen afterwards, in order. */
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

/** How a store treats an operation. `after`: when it carries it out, in milliseconds. `reply`: when it responds. */
export interface StoreBehaviour {
  readonly after?: number
  readonly reply?: number
  /** It does not carry it out. */
  readonly lost?: boolean
  /** It responds with an error. */
  readonly fails?: boolean
  /** It never responds. */
  readonly silent?: boolean
  /** It throws instead of returning a promise. */
  readonly throws?: boolean
  /** A false response. */
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

/** A correct store, unless `behaviour` says otherwise. It has its own clock. */
export class SimulatedStore {
  readonly calls: StoreCall[] = []
  readonly values = new Map<string, { value: string; until: number }>()
  readonly claims = new Map<string, { token: string; until: number }>()
  behaviour: (call: StoreCall) => StoreBehaviour = () => ({})
  readonly #time: Timeline

  constructor(time: Timeline) {
    this.#time = time
  }

  /** The store as one host uses it. */
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

  /** How many operations of this kind this host has sent. */
  count(operation: StoreCall['operation'], host?: SimulatedHost): number {
    return this.calls.filter(call => call.operation === operation && (!host || call.host === host.number)).length
  }
}

/** How AWS treats a call: it responds after this time, or fails, or never responds. */
export interface AwsBehaviour {
  readonly after?: number
  readonly fails?: boolean
  readonly silent?: boolean
  /** AWS has no newer login yet: it returns the expiry of the last one. */
  readonly sameExpiry?: boolean
  /** It returns the last login again. */
  readonly repeats?: boolean
}

/** One call to AWS. */
export interface AwsCall {
  readonly host: SimulatedHost
  readonly target: string
  readonly at: number
  respondedAt: number | undefined
}

/** A process of the fleet: its cache, its clocks, its connection to the store. */
export class SimulatedHost {
  readonly number: number
  readonly cache: CredentialCache
  alive = true
  /** How far ahead its wall clock is. */
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

  /** It is stopped for this time, as by SIGSTOP: events that are due happen afterwards. */
  freeze(millis: number): void {
    this.#frozenUntil = this.#time.now + millis
  }

  /** It is gone, as after SIGKILL: its scheduled events never happen. */
  kill(): void {
    this.alive = false
  }

  get(target = 'examplecluster'): Promise<RedshiftLogin> {
    return this.cache.get(target, requestFor(target))
  }

  /** Schedules an event in this process. */
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

/** Processes that share a store, and AWS. */
export class SimulatedFleet {
  readonly time = new Timeline()
  readonly store = new SimulatedStore(this.time)
  readonly hosts: SimulatedHost[] = []
  readonly calls: AwsCall[] = []
  /** The expiry of each login that AWS has issued, by password. */
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

  /** Adds a process. */
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

  /** The login of every process that is alive, as soon as all have it. */
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
    return (request, context) =>
      new Promise((resolve, reject) => {
        // As the library's client does when it sends a request.
        context.setDeadlineError(undefined)
        const target = ('workgroupName' in request && request.workgroupName) || ''
        const call: AwsCall = { host, target, at: this.time.now, respondedAt: undefined }
        this.calls.push(call)
        const sentAt = host.clock.now()
        const { after = 50, fails, silent, sameExpiry, repeats } = this.aws(call)
        if (silent) return
        host.later(after, () => {
          call.respondedAt = this.time.now
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
