import { expect } from 'chai'
import { CredentialCache } from '../../lib/cache.js'
import type { Clock, Instant, Timer } from '../../lib/clock.js'
import { RedshiftCredentialsError, type RedshiftErrorCode } from '../../lib/errors.js'
import type { FetchContext, FetchedLogin } from '../../lib/fetch-context.js'
import type { RedshiftLogin } from '../../lib/login.js'
import type { CredentialRequest } from '../../lib/request.js'

/** Waits until everything that is settled has taken effect. Real time plays no part. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await null
}

interface Pending {
  readonly at: number
  readonly run: () => void
  readonly timer: SimulatedTimer
}

/** A timer that shows whether it would keep a process alive. */
export class SimulatedTimer implements Timer {
  referenced = true
  cancelled = false
  ref(): void {
    this.referenced = true
  }
  unref(): void {
    this.referenced = false
  }
  cancel(): void {
    this.cancelled = true
  }
}

/**
 * True time, which the server has; a monotonic clock, which stops while the machine is suspended; and a wall clock,
 * which may be wrong, and may be set. Timers run on the monotonic clock.
 */
export class SimulatedClock implements Clock {
  /** The server's clock, in milliseconds since the epoch. */
  trueTime = Date.parse('2026-03-01T12:00:00Z')
  monotonic = 12_000
  /** How far ahead the host's wall clock is. */
  wallError = 0
  #pending: Pending[] = []

  now(): Instant {
    return { wall: this.trueTime + this.wallError, monotonic: this.monotonic }
  }

  setTimeout(run: () => void, millis: number): SimulatedTimer {
    const timer = new SimulatedTimer()
    this.#pending = this.#pending.filter(pending => !pending.timer.cancelled)
    this.#pending.push({ at: this.monotonic + millis, run, timer })
    return timer
  }

  turn(callback: () => void): void {
    callback()
  }

  /** The active timers. */
  get timers(): SimulatedTimer[] {
    return this.#due(Number.POSITIVE_INFINITY).map(({ timer }) => timer)
  }

  /** Lets time pass, timer by timer. */
  async advance(millis: number): Promise<void> {
    await settle()
    const end = this.monotonic + millis
    for (let [next] = this.#due(end); next; [next] = this.#due(end)) {
      this.#pass(Math.max(0, next.at - this.monotonic))
      this.#pending = this.#pending.filter(pending => pending !== next)
      next.run()
      await settle()
    }
    this.#pass(end - this.monotonic)
    this.monotonic = end
  }

  /** Lets time pass like `advance`, if no timer is due meanwhile. */
  skip(millis: number): void {
    if (this.busy(millis)) throw new Error('A timer is due.')
    this.#pass(millis)
  }

  /** Whether a timer is due within this many milliseconds. */
  busy(millis: number): boolean {
    const end = this.monotonic + millis
    return this.#pending.some(({ at, timer }) => at <= end && !timer.cancelled)
  }

  /** Lets time pass, in the fastest way. */
  async pass(millis: number): Promise<void> {
    if (this.busy(millis)) await this.advance(millis)
    else this.#pass(millis)
  }

  /** Suspends the machine: time passes, but no timer runs, and the monotonic clock stops. */
  suspend(millis: number): void {
    this.trueTime += millis
  }

  /** Sets the wall clock. */
  setWall(millis: number): void {
    this.wallError += millis
  }

  #pass(millis: number): void {
    this.monotonic += millis
    this.trueTime += millis
  }

  #due(end: number): Pending[] {
    return this.#pending.filter(({ at, timer }) => at <= end && !timer.cancelled).sort((a, b) => a.at - b.at)
  }
}

export const error = (code: RedshiftErrorCode, message = `${code} happened. Try again.`): RedshiftCredentialsError =>
  new RedshiftCredentialsError(code, message)

/** How AWS treats a call. Times are in milliseconds. */
export type Behaviour =
  | { kind: 'login'; after?: number; login?: Partial<IssuedLogin> }
  | { kind: 'fail'; after?: number; code?: RedshiftErrorCode; retryAfter?: number }
  /** The SDK sleeps, as Retry-After demands, and the failure is recorded. */
  | { kind: 'sleep'; code?: RedshiftErrorCode; retryAfter?: number }
  | { kind: 'hang' }

export interface IssuedLogin {
  user: string
  password: string
  expiration: Date
  nextRefreshTime: Date | undefined
  serverTime: number
}

/** One call, as AWS sees it. A call that its behaviour leaves open can be settled by hand. */
export interface Call {
  readonly request: CredentialRequest
  readonly context: FetchContext
  readonly signal: AbortSignal
  /** True time. */
  readonly at: number
  readonly sentAt: Instant
  /** The response. */
  issued?: IssuedLogin
  settled: boolean
  respond(login?: Partial<IssuedLogin>): void
  fail(code?: RedshiftErrorCode): void
}

/** A scripted AWS: how it treats each call, and what it recorded. */
export class ScriptedAws {
  readonly calls: Call[] = []
  /** The behaviour of the next calls, in order; `always` follows. */
  readonly script: Behaviour[] = []
  always: Behaviour | ((call: Call) => Behaviour) = { kind: 'login' }
  lifetimeSeconds: number
  latencyMillis = 0
  /** Whether its responses have a Date. Without one, the host's clock is used, as in lib/aws. */
  tellsTime = true
  /** Every issued login, by password. */
  readonly issued = new Map<string, IssuedLogin>()
  readonly #clock: SimulatedClock

  constructor(clock: SimulatedClock, lifetimeSeconds = 900) {
    this.#clock = clock
    this.lifetimeSeconds = lifetimeSeconds
  }

  /** The user that AWS returns. Empty: it issues tokens. */
  user = 'IAMR:analyst'

  /** A login as AWS would issue it now. */
  issue(changes: Partial<IssuedLogin> = {}): IssuedLogin {
    const now = this.#clock.trueTime
    const number = this.issued.size + 1
    const login = {
      user: this.user,
      password: `hunter${number}`,
      expiration: new Date(now + this.lifetimeSeconds * 1_000),
      nextRefreshTime: undefined,
      // The header has whole seconds.
      serverTime: this.tellsTime ? Math.floor(now / 1_000) * 1_000 : this.#clock.now().wall,
      ...changes,
    }
    this.issued.set(login.password, login)
    return login
  }

  readonly fetch = (request: CredentialRequest, context: FetchContext): Promise<FetchedLogin> =>
    new Promise((resolve, reject) => {
      const sentAt = this.#clock.now()
      const call: Call = {
        request,
        context,
        signal: context.signal,
        at: this.#clock.trueTime,
        sentAt,
        settled: false,
        respond: changes => {
          if (call.settled) return
          call.settled = true
          call.issued = this.issue(changes)
          resolve({ ...call.issued, sentAt })
        },
        fail: (code = 'ERR_REDSHIFT_UNAVAILABLE') => {
          if (call.settled) return
          call.settled = true
          reject(error(code))
        },
      }
      this.calls.push(call)
      const behaviour = this.script.shift() ?? (typeof this.always === 'function' ? this.always(call) : this.always)
      const later = (millis: number, run: () => void): void => {
        if (millis === 0) run()
        else this.#clock.setTimeout(run, millis).unref()
      }
      if (behaviour.kind === 'login') later(behaviour.after ?? this.latencyMillis, () => call.respond(behaviour.login))
      else if (behaviour.kind === 'fail')
        later(behaviour.after ?? this.latencyMillis, () => {
          context.retryAfter = behaviour.retryAfter
          call.fail(behaviour.code)
        })
      else if (behaviour.kind === 'sleep') {
        context.setDeadlineError(error(behaviour.code ?? 'ERR_REDSHIFT_THROTTLED'))
        context.retryAfter = behaviour.retryAfter
      }
    })

  get lastCall(): Call {
    const call = this.calls.at(-1)
    if (!call) throw new Error('AWS was not called.')
    return call
  }
}

/** When a login of 900 seconds becomes stale, if every draw is 0.5. */
export const REFRESH = 516_925
/** When it is no longer served. */
export const EXPIRE = 889_000

/** A request for a login; `api` and `name` distinguish it. */
export const requestFor = (
  name = 'examplecluster',
  api: 'GetCredentials' | 'GetClusterCredentialsWithIAM' = 'GetCredentials',
): CredentialRequest => {
  const base = { region: 'us-west-2', customDomainName: undefined, dbName: 'dev', durationSeconds: 3_600 }
  return api === 'GetCredentials' ? { ...base, api, workgroupName: name } : { ...base, api, clusterIdentifier: name }
}

/** A cache with a simulated clock and a scripted AWS. Draws are 0.5 by default. */
export class Simulation {
  readonly clock = new SimulatedClock()
  readonly aws: ScriptedAws
  readonly cache: CredentialCache
  /** Draws, in order; then 0.5. */
  readonly draws: number[] = []

  constructor({
    lifetimeSeconds = 900,
    maxEntries = 100,
    fetchTimeoutMillis = 15_000,
    random,
  }: { lifetimeSeconds?: number; maxEntries?: number; fetchTimeoutMillis?: number; random?: () => number } = {}) {
    this.aws = new ScriptedAws(this.clock, lifetimeSeconds)
    this.cache = new CredentialCache({
      clock: this.clock,
      random: random ?? (() => this.draws.shift() ?? 0.5),
      fetch: this.aws.fetch,
      maxEntries,
      fetchTimeoutMillis,
    })
  }

  get(name = 'examplecluster', signal?: AbortSignal): Promise<RedshiftLogin> {
    return this.cache.get(name, requestFor(name), signal)
  }
}

/** The error that a promise rejects with. */
export const failureOf = (promise: Promise<unknown>): Promise<RedshiftCredentialsError> =>
  promise.then(
    () => {
      throw new Error('It did not fail.')
    },
    error => error,
  )

export const expectFailure = async (
  promise: Promise<unknown>,
  code: RedshiftErrorCode,
): Promise<RedshiftCredentialsError> => {
  const error = await failureOf(promise)
  expect(error).to.be.instanceOf(RedshiftCredentialsError)
  expect(error.code, error.message).to.equal(code)
  return error
}

/** The current state of a promise. */
export const stateOf = async (promise: Promise<unknown>): Promise<'pending' | 'resolved' | 'rejected'> => {
  let state: 'pending' | 'resolved' | 'rejected' = 'pending'
  promise.then(
    () => {
      state = 'resolved'
    },
    () => {
      state = 'rejected'
    },
  )
  await settle()
  return state
}

/** One connection to a place, as `RedshiftPgClient` makes it. Whether the server accepts it, at the first or second attempt. */
export async function connect(
  { cache }: Simulation,
  place: string,
  accepts: (login: RedshiftLogin) => boolean,
  name = 'examplecluster',
): Promise<boolean> {
  const login = cache.fresh(name, place) ?? (await cache.get(name, requestFor(name), undefined, place))
  if (accepts(login)) {
    cache.accepted(login, place)
    return true
  }
  if (!cache.invalidate(login, place)) return false
  const next = await cache.replacement(login)
  if (!next) return false
  if (accepts(next)) {
    cache.accepted(next, place)
    return true
  }
  cache.invalidate(next, place)
  return false
}
