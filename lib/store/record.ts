import { elapsed, type Instant } from '../clock.js'
import type { CurrentLogin, FetchedLogin } from '../fetch-context.js'
import { createLease, type Lease, phaseOf } from '../lease.js'
import { type RedshiftLogin, samePair } from '../login.js'
import { maxResponseAge } from '../refusals.js'
import type { StoreIgnoredReason } from '../tracing.js'
import type { StoredValue } from './store.js'

/** The lease of a login from the store. The cache draws its own refresh time. */
const leaseOf = (login: FetchedLogin, durationSeconds: number): Lease | undefined =>
  createLease({ ...login, nextRefreshTime: undefined, durationSeconds }, 0)

/** Serializes a login, to be sealed. */
export const toRecord = ({ user, password, expiration, nextRefreshTime, serverTime }: FetchedLogin): string =>
  JSON.stringify([user, password, expiration.getTime(), nextRefreshTime?.getTime() ?? null, serverTime])

/** The remaining lifetime of a login in milliseconds; undefined if it has expired. */
export function lifetimeLeft(login: FetchedLogin, durationSeconds: number, now: Instant): number | undefined {
  const lease = leaseOf(login, durationSeconds)
  if (!lease || phaseOf(lease, now) === 'expired') return undefined
  return Math.floor(lease.lifetime - elapsed(login.sentAt, now))
}

// The record is authenticated, but another program or another version of this package may have written it with the same key.
function fromRecord(record: string, sentAt: Instant): FetchedLogin | undefined {
  const [user, password, expiration, nextRefreshTime, serverTime] = parseArray(record)
  if (typeof user !== 'string' || user === '' || typeof password !== 'string' || password === '') return undefined
  if (typeof expiration !== 'number' || typeof serverTime !== 'number') return undefined
  return {
    user,
    password,
    expiration: new Date(expiration),
    nextRefreshTime: typeof nextRefreshTime === 'number' ? new Date(nextRefreshTime) : undefined,
    serverTime,
    sentAt,
  }
}

function parseArray(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

/** What to do with a stored value: use its login, ignore it and report the reason, or neither if it is not new. */
export interface Validation {
  readonly login?: FetchedLogin
  readonly ignored?: StoreIgnoredReason
}

/**
 * Decides whether to use a stored value. The login's age is the elapsed part of its lifetime **by the store's clock**, so that hosts
 * with different clocks agree on it.
 * @param stored the store's value, with the decrypted record
 * @param readAt when the read was sent. The age is counted from then, which can only overestimate it.
 * @param current the login that this process has
 */
export function validateRecord(
  stored: StoredValue & { readonly record: string | undefined },
  durationSeconds: number,
  readAt: Instant,
  now: Instant,
  current: CurrentLogin | undefined,
): Validation {
  const login = stored.record === undefined ? undefined : fromRecord(stored.record, readAt)
  const lease = login && leaseOf(login, durationSeconds)
  if (!login || !lease) return { ignored: 'unreadable' }
  const { remainingMillis } = stored
  // This package never writes a lifetime that is unlimited or longer than the login's.
  if (!(remainingMillis > 0 && remainingMillis <= lease.lifetime)) return { ignored: 'lifetime' }
  const age = lease.lifetime - remainingMillis
  const sentAt = { wall: readAt.wall - age, monotonic: readAt.monotonic - age }
  if (phaseOf({ ...lease, sentAt }, now) === 'expired') return {}
  const aged = { ...login, sentAt }
  if (!current) return { login: aged }
  const newer = login.expiration.getTime() - current.login.expiresAt()
  const same = samePair(current.login, login)
  if (newer < 0) return { ignored: 'old' }
  if (current.doubtedSince)
    return same && !resolvesDoubt(aged, current, current.doubtedSince, lease) ? {} : { login: aged }
  // The same expiration as the current login: AWS has no newer login yet. A recent value proves that another process just asked.
  return newer > 0 || age < lease.lifetime / 10 ? { login: aged } : {}
}

/**
 * Whether AWS has returned a refused pair again: to another process, later than to this one, and after the refusal or shortly before it.
 * In that case, the other processes of the fleet need not call AWS.
 */
function resolvesDoubt(
  login: FetchedLogin,
  current: CurrentLogin,
  doubtedSince: Instant,
  { lifetime }: Lease,
): boolean {
  const before = doubtedSince.monotonic - login.sentAt.monotonic
  return login.serverTime > current.serverTime && before <= maxResponseAge(lifetime)
}

/** Whether a record contains this login. */
export const containsLogin = (record: string | undefined, login: Pick<RedshiftLogin, 'user' | 'password'>): boolean =>
  record !== undefined && samePair(fromRecord(record, { wall: 0, monotonic: 0 }), login)
