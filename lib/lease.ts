/**
 * Pure time: when a login is fresh, stale or expired, and how long to wait after a failure. All figures are milliseconds.
 */

/** A moment on both clocks. The wall clock sees a suspended machine, the monotonic clock a wall clock that was set back. */
export interface Instant {
  /** `Date.now()` */
  readonly wall: number
  /** `performance.now()` */
  readonly monotonic: number
}

/** One login's lifetime, in milliseconds since `sentAt`: no absolute times are compared, so a wrong clock cannot hurt. */
export interface Lease {
  readonly sentAt: Instant
  readonly lifetime: number
  readonly refreshAt: number
  readonly expireAt: number
  /** `nextRefreshTime`, where AWS gave one. */
  readonly nextRefreshAt: number | undefined
}

export type Phase = 'fresh' | 'stale' | 'expired'

/** What an answer of AWS says of time. */
export interface LeaseTimes {
  /** When the attempt that was answered was sent. */
  readonly sentAt: Instant
  /** The server's clock in that very answer, in milliseconds since the epoch. */
  readonly serverTime: number
  readonly expiration: Date
  readonly nextRefreshTime?: Date | undefined
  /** The `DurationSeconds` that was asked for. */
  readonly durationSeconds: number
}

// AWS gives 15 minutes at least. Of less than this, nothing is left to log in with, and a broken server would be hammered.
const SHORTEST = 1_000
// AWS gives an hour at most. What lies further ahead than a day is a broken answer, not a wrong clock.
const FARTHEST = 24 * 3_600_000

/**
 * How long AWS may fail without anybody's notice: a quarter of the whole lifetime. What is added lets the last call that
 * hangs reach its deadline, and one more be made. It brings the refresh forward where a lifetime is under 85 seconds.
 */
const outage = (lifetime: number): number => (lifetime + 1_000) / 4 + 2 * shortestDeadline(lifetime)

/** A refresh has at least this long, so that a slow AWS is not given up again and again. */
const shortestDeadline = (lifetime: number): number => Math.min(2_000, lifetime / 30)

/**
 * @param random a draw from [0, 1): the spread keeps a fleet from refreshing in step.
 * @returns undefined where the expiry is missing, not finite, past or about to pass, or absurdly far ahead.
 */
export function createLease(times: LeaseTimes, random: number): Lease | undefined {
  const ahead = times.expiration.getTime() - times.serverTime
  // Date has whole seconds only: a second less is on the safe side.
  const lifetime = Math.min(ahead - 1_000, times.durationSeconds * 1_000)
  if (!(lifetime >= SHORTEST) || ahead > FARTHEST) return undefined
  const expireAt = lifetime - Math.min(10_000, lifetime / 20)
  const next = times.nextRefreshTime ? times.nextRefreshTime.getTime() - times.serverTime : undefined
  const nextRefreshAt = Number.isFinite(next) ? next : undefined
  const latest = Math.max(lifetime / 4, Math.min(lifetime * 0.65, expireAt - outage(lifetime)))
  const earliest = lifetime * 0.5
  const drawn = earliest + (latest - earliest) * random
  const useful = nextRefreshAt !== undefined && nextRefreshAt > lifetime / 4 && nextRefreshAt < drawn
  return { sentAt: times.sentAt, lifetime, refreshAt: useful ? nextRefreshAt : drawn, expireAt, nextRefreshAt }
}

/** The time since an instant: the longer one of the two clocks' opinions. */
export const elapsed = (since: Instant, now: Instant): number =>
  Math.max(now.wall - since.wall, now.monotonic - since.monotonic)

export function phaseOf(lease: Lease, now: Instant): Phase {
  const age = elapsed(lease.sentAt, now)
  if (age < lease.refreshAt) return 'fresh'
  return age < lease.expireAt ? 'stale' : 'expired'
}

/** What is left until `expireAt`; negative after it. */
export const remaining = (lease: Lease, now: Instant): number => lease.expireAt - elapsed(lease.sentAt, now)

/** AWS is left alone for at least this long, whatever fails. */
const shortestPause = (lifetime: number): number => Math.min(250, lifetime / 100)

/** How long a refresh may take while the login is still served: a hung one must leave room for another try. */
export const refreshDeadline = (lease: Lease, now: Instant): number =>
  Math.max(remaining(lease, now) / 2, shortestDeadline(lease.lifetime))

/**
 * How long to keep still after a refresh that brought back the same expiry: until its `nextRefreshTime`, where that lies
 * ahead and before the end, else a tenth of the lifetime.
 */
export function noProgressDelay(held: Lease, answered: Lease, now: Instant): number {
  const untilNext = (answered.nextRefreshAt ?? 0) - elapsed(answered.sentAt, now)
  return untilNext > 0 && untilNext < remaining(held, now)
    ? Math.max(untilNext, shortestPause(held.lifetime))
    : held.lifetime / 10
}

/** The last failure, as far as the back-off is concerned. */
export interface Failure {
  readonly throttled: boolean
  /** What AWS asked for in Retry-After. */
  readonly retryAfter: number | undefined
}

const exponential = (first: number, failures: number, most: number): number => Math.min(most, first * 2 ** failures)

/**
 * The wait after a failed refresh while the login is still served. Tries grow denser as the end nears, whatever AWS asks for.
 * @param failures failures in a row before this one
 */
export function refreshBackoff(lease: Lease, failures: number, failure: Failure, now: Instant, random: number): number {
  const wanted = Math.max(
    (0.5 + random / 2) * exponential(failure.throttled ? 5_000 : 1_000, failures, 60_000),
    failure.retryAfter ?? 0,
  )
  return Math.min(wanted, Math.max(remaining(lease, now) / 4, shortestPause(lease.lifetime)))
}

/** The longest wait after a failure with nothing to serve. */
export const FETCH_BACKOFF_CAP = 5_000

/** The wait after a failure with nothing to serve. */
export const fetchBackoff = (failures: number, failure: Failure, random: number): number =>
  Math.min(
    Math.max((0.5 + random / 2) * exponential(500, failures, FETCH_BACKOFF_CAP), failure.retryAfter ?? 0),
    FETCH_BACKOFF_CAP,
  )
