import { elapsed, type Instant } from './clock.js'

/**
 * Pure functions of time: when a login is fresh, stale or expired, and how long to wait after a failure. All values are in milliseconds.
 */

/** The lifetime of one login, in milliseconds since `sentAt`. No absolute times are compared, so a wrong clock does no harm. */
export interface Lease {
  readonly sentAt: Instant
  readonly lifetime: number
  readonly refreshAt: number
  readonly expireAt: number
  /** `nextRefreshTime`, if AWS returned one. */
  readonly nextRefreshAt: number | undefined
}

export type Phase = 'fresh' | 'stale' | 'expired'

/** The times in a response of AWS. */
export interface LeaseTimes {
  /** When the successful attempt was sent. */
  readonly sentAt: Instant
  /** The server's clock in the response, in milliseconds since the epoch. */
  readonly serverTime: number
  readonly expiration: Date
  readonly nextRefreshTime?: Date | undefined
  /** The requested `DurationSeconds`. */
  readonly durationSeconds: number
}

// AWS's minimum is 15 minutes. A lifetime below a second is useless, and a server that returns one would be called without pause.
const MIN_LIFETIME_MILLIS = 1_000
// AWS's maximum is an hour. An expiration more than a day ahead means a broken response, not a wrong clock.
const MAX_AHEAD_MILLIS = 24 * 3_600_000

/**
 * How long AWS may fail before callers notice: a quarter of the lifetime, plus the time for a hanging call to reach its deadline and for
 * one more call. It causes an earlier refresh if the lifetime is under 85 seconds.
 */
const outage = (lifetime: number): number => (lifetime + 1_000) / 4 + 2 * minDeadline(lifetime)

/** The minimum time limit of a refresh. A shorter one would let every call fail while AWS is slow. */
const minDeadline = (lifetime: number): number => Math.min(2_000, lifetime / 30)

/**
 * Creates the lease of a new login.
 * @param random a random number in [0, 1). It spreads the refreshes of a fleet over time.
 * @returns undefined if the expiration is missing, not finite, past or nearly past, or more than a day ahead
 */
export function createLease(times: LeaseTimes, random: number): Lease | undefined {
  const ahead = times.expiration.getTime() - times.serverTime
  // The header Date has whole seconds only. Subtracting a second is safe.
  const lifetime = Math.min(ahead - 1_000, times.durationSeconds * 1_000)
  if (!(lifetime >= MIN_LIFETIME_MILLIS) || ahead > MAX_AHEAD_MILLIS) return undefined
  const expireAt = lifetime - Math.min(10_000, lifetime / 20)
  const next = times.nextRefreshTime ? times.nextRefreshTime.getTime() - times.serverTime : undefined
  const nextRefreshAt = Number.isFinite(next) ? next : undefined
  const latest = Math.max(lifetime / 4, Math.min(lifetime * 0.65, expireAt - outage(lifetime)))
  const earliest = lifetime * 0.5
  const drawn = earliest + (latest - earliest) * random
  const isUsed = nextRefreshAt !== undefined && nextRefreshAt > lifetime / 4 && nextRefreshAt < drawn
  return { sentAt: times.sentAt, lifetime, refreshAt: isUsed ? nextRefreshAt : drawn, expireAt, nextRefreshAt }
}

export function phaseOf(lease: Lease, now: Instant): Phase {
  const age = elapsed(lease.sentAt, now)
  if (age < lease.refreshAt) return 'fresh'
  return age < lease.expireAt ? 'stale' : 'expired'
}

/** The time until `expireAt`; negative after it. */
export const remaining = (lease: Lease, now: Instant): number => lease.expireAt - elapsed(lease.sentAt, now)

/** The minimum pause between two calls of AWS. */
const minPause = (lifetime: number): number => Math.min(250, lifetime / 100)

/** The time limit of a refresh while the login is still in use. A hanging refresh must leave time for another attempt. */
export const refreshDeadline = (lease: Lease, now: Instant): number =>
  Math.max(remaining(lease, now) / 2, minDeadline(lease.lifetime))

/**
 * The pause after a refresh whose login expires no later than the current one: until its `nextRefreshTime` if that is ahead and before the
 * current login expires, else a tenth of the lifetime.
 */
export function noProgressDelay(current: Lease, returned: Lease, now: Instant): number {
  const untilNext = (returned.nextRefreshAt ?? 0) - elapsed(returned.sentAt, now)
  return untilNext > 0 && untilNext < remaining(current, now)
    ? Math.max(untilNext, minPause(current.lifetime))
    : current.lifetime / 10
}

/** What the back-off depends on. */
export interface Failure {
  readonly throttled: boolean
  /** The value of Retry-After in AWS's response, in milliseconds. */
  readonly retryAfter: number | undefined
}

const exponential = (first: number, failures: number, max: number): number => Math.min(max, first * 2 ** failures)

/**
 * The back-off after a failed refresh while the login is still in use. Attempts become more frequent as the login nears its end, even if
 * Retry-After asks for a longer pause.
 * @param failures the number of consecutive failures before this one
 */
export function refreshBackoff(lease: Lease, failures: number, failure: Failure, now: Instant, random: number): number {
  const wanted = Math.max(
    (0.5 + random / 2) * exponential(failure.throttled ? 5_000 : 1_000, failures, 60_000),
    failure.retryAfter ?? 0,
  )
  return Math.min(wanted, Math.max(remaining(lease, now) / 4, minPause(lease.lifetime)))
}

/** The maximum back-off after a failure without a usable login. */
const MAX_FETCH_BACKOFF_MILLIS = 5_000

/** The back-off after a failure without a usable login. */
export const fetchBackoff = (failures: number, failure: Failure, random: number): number =>
  Math.min(
    Math.max((0.5 + random / 2) * exponential(500, failures, MAX_FETCH_BACKOFF_MILLIS), failure.retryAfter ?? 0),
    MAX_FETCH_BACKOFF_MILLIS,
  )
