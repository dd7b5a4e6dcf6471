import { createLease, elapsed, type Instant, type Lease, phaseOf } from '../lease.js'
import { type FetchedLogin, type HeldLogin, samePair } from '../login.js'
import { vouchedFor } from '../refusals.js'
import type { StoreIgnoredReason } from '../tracing.js'
import type { StoredValue } from './store.js'

/** The lease that a login of the store gives; when it becomes stale is drawn by who serves it. */
const leaseOf = (login: FetchedLogin, durationSeconds: number): Lease | undefined =>
  createLease({ ...login, nextRefreshTime: undefined, durationSeconds }, 0)

/** A login as text, to be sealed. */
export const toRecord = ({ user, password, expiration, nextRefreshTime, serverTime }: FetchedLogin): string =>
  JSON.stringify([user, password, expiration.getTime(), nextRefreshTime?.getTime() ?? null, serverTime])

/** What is left of a login's lifetime; undefined where there is nothing to share. */
export function lifetimeLeft(login: FetchedLogin, durationSeconds: number, now: Instant): number | undefined {
  const lease = leaseOf(login, durationSeconds)
  if (!lease || phaseOf(lease, now) === 'expired') return undefined
  return Math.floor(lease.lifetime - elapsed(login.sentAt, now))
}

// It was authenticated, so whoever has a key wrote it; but that may have been another program, or another version of this one.
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

/** What came of a value: a login to use, a reason to ignore and report it, or neither, where it is no news. */
export interface Verdict {
  readonly login?: FetchedLogin
  readonly ignored?: StoreIgnoredReason
}

/**
 * Judges what a store gave. The login's age is what has gone by of its lifetime **on the store's clock**, so hosts whose clocks
 * differ agree on it.
 * @param stored what the store gave, with the record that it was opened to
 * @param readAt when it was asked for: by then the login was no older
 * @param held what this process has
 */
export function judge(
  stored: StoredValue & { readonly record: string | undefined },
  durationSeconds: number,
  readAt: Instant,
  now: Instant,
  held: HeldLogin | undefined,
): Verdict {
  const login = stored.record === undefined ? undefined : fromRecord(stored.record, readAt)
  const lease = login && leaseOf(login, durationSeconds)
  if (!login || !lease) return { ignored: 'unreadable' }
  const { remainingMillis } = stored
  // A lifetime that does not end, or is longer than the login's, was not given by us.
  if (!(remainingMillis > 0 && remainingMillis <= lease.lifetime)) return { ignored: 'lifetime' }
  const age = lease.lifetime - remainingMillis
  const sentAt = { wall: readAt.wall - age, monotonic: readAt.monotonic - age }
  if (phaseOf({ ...lease, sentAt }, now) === 'expired') return {}
  const aged = { ...login, sentAt }
  if (!held) return { login: aged }
  const newer = login.expiration.getTime() - held.login.expiration.getTime()
  const same = samePair(held.login, login)
  if (newer < 0) return { ignored: 'old' }
  if (held.doubtedSince) return same && !vouches(aged, held, held.doubtedSince, lease) ? {} : { login: aged }
  // Of one expiry with the held one: AWS has no newer login yet. Who has just been told so tells the others.
  return newer > 0 || age < lease.lifetime / 10 ? { login: aged } : {}
}

/**
 * Whether AWS has given a refused pair once more: to another process, since this one got it, and after the refusal or shortly
 * before. Then the fleet has its answer, and need not ask once per process.
 */
function vouches(login: FetchedLogin, held: HeldLogin, doubtedSince: Instant, { lifetime }: Lease): boolean {
  const before = doubtedSince.monotonic - login.sentAt.monotonic
  return login.serverTime > held.serverTime && before <= vouchedFor(lifetime)
}

/** Whether a record holds this very login. */
export function holds(record: string | undefined, { user, password }: { user: string; password: string }): boolean {
  if (record === undefined) return false
  const login = fromRecord(record, { wall: 0, monotonic: 0 })
  return login?.user === user && login.password === password
}
