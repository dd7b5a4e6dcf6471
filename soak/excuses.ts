import { isOutage, type PastFault } from './faults.js'
import type { Failure, LoginOf, Report } from './protocol.js'

/** What decides whether a failure is excused. */
export interface Evidence {
  readonly faults: readonly PastFault[]
  readonly fetches: readonly Extract<Report, { kind: 'fetch' }>[]
  readonly lifetimeMillis: number
  /** How long after an outage callers may still fail: a call that hung reaches its deadline, then there is a pause. */
  readonly recoveryMillis: number
}

const SLACK = 150

const overlaps = ({ from, to }: Failure, fault: PastFault, slack = SLACK): boolean =>
  from <= fault.to + slack && to >= fault.from

/** The failures that each fault of the server causes in any client. */
const byServer: Readonly<Partial<Record<PastFault['kind'], RegExp>>> = {
  restart: /terminat|ECONNREFUSED|ECONNRESET|EPIPE|57P|disconnected/i,
  'login-reset': /terminat|ECONNRESET|EPIPE|disconnected/i,
  'login-hang': /timeout/i,
  'reject-login': /28000|28P01|ERR_REDSHIFT_LOGIN_REJECTED/,
}

/** Failures that only AWS can prevent. */
const byAws =
  /ERR_REDSHIFT_(THROTTLED|UNAVAILABLE|TIMEOUT|RESPONSE|AWS_CREDENTIALS|ACCESS_DENIED|NOT_FOUND|LOGIN_REJECTED)|timeout/

/** Why no client could have avoided this failure; undefined if one could. */
export function excuse(failure: Failure, evidence: Evidence): string | undefined {
  const said = `${failure.code} ${failure.message}`
  const { faults } = evidence
  const fault = faults.find(it => byServer[it.kind]?.test(said) && it.hits > 0 && overlaps(failure, it))
  if (fault) return `the server: ${fault.name}`
  return (
    afterRevocation(failure, evidence) ??
    afterTwoRevocations(failure, evidence) ??
    duringOutage(failure, said, evidence)
  )
}

/**
 * A password function cannot replace a revoked login within a connection, because pg calls it only once. So every connection with
 * that login is refused until AWS has returned the next one.
 */
function afterRevocation(failure: Failure, { faults, fetches }: Evidence): string | undefined {
  if (failure.consumer !== 'password' || !/^(28000|28P01)$/.test(failure.code ?? '')) return undefined
  const revocation = faults.findLast(({ kind, from }) => kind === 'revoke' && from <= failure.to)
  if (!revocation) return undefined
  return failure.from <= nextFetch(failure.login, revocation.from, fetches)
    ? 'a password function alone: the login was revoked'
    : undefined
}

/**
 * A connection is refused twice if it begins before AWS has replaced the first revoked login, and the second revocation comes before it
 * has logged in. And a server that refuses a login, and then the next one before it has accepted it, looks like one that is set up
 * wrongly. To protect AWS's rate limit, a client pauses for a tenth of the lifetime before it asks for a third.
 */
function afterTwoRevocations(
  { code, login, from, to }: Failure,
  { faults, fetches, lifetimeMillis }: Evidence,
): string | undefined {
  if (code !== 'ERR_REDSHIFT_LOGIN_REJECTED') return undefined
  const [first, second] = faults.filter(fault => fault.kind === 'revoke' && fault.from <= to).slice(-2)
  if (!first || !second) return undefined
  const replacedAt = nextFetch(login, first.from, fetches)
  const isHitTwice = from <= second.from && from <= replacedAt
  // A busy machine may ask for the second login long after the first revocation.
  const begin = replacedAt <= second.from ? replacedAt : first.from
  const pause = lifetimeMillis / 10
  const isPaused = second.from - begin <= pause && from <= second.from + pause
  return isHitTwice || isPaused ? 'the server: two revocations in a row' : undefined
}

/**
 * AWS issues no login, and there is no valid one: the outage has lasted for a quarter of a lifetime, the server has refused the login,
 * or there was none yet.
 */
function duringOutage(failure: Failure, said: string, evidence: Evidence): string | undefined {
  if (!byAws.test(said)) return undefined
  const { faults, lifetimeMillis, recoveryMillis } = evidence
  for (const outage of faults.filter(isOutage)) {
    if (!overlaps(failure, outage, recoveryMillis)) continue
    if (Math.min(failure.to, outage.to) - outage.from >= lifetimeMillis / 4)
      return 'AWS: an outage of more than a quarter of the lifetime'
    if (!hasFetched(failure.login, Number.NEGATIVE_INFINITY, failure.from, evidence.fetches))
      return 'AWS: an outage before the first login'
    if (lostItsLogin(failure, evidence)) return 'AWS: an outage after the server had refused the login'
  }
  return undefined
}

/** Whether the server has refused the login, and no other was fetched since. `get()` does not fail for that: the login stays in use. */
function lostItsLogin({ consumer, login, from, to }: Failure, { faults, fetches }: Evidence): boolean {
  if (consumer === 'get') return false
  const lost = faults.findLast(
    ({ kind, from: at, hits }) => (kind === 'revoke' || kind === 'reject-login') && hits > 0 && at <= to,
  )
  return lost !== undefined && !hasFetched(login, lost.from, from, fetches)
}

/** When the login was fetched for the first time after that; infinite if never. */
const nextFetch = (login: LoginOf, after: number, fetches: Evidence['fetches']): number =>
  fetches.find(it => it.login === login && it.outcome === 'fetched' && it.at > after)?.at ?? Number.POSITIVE_INFINITY

const hasFetched = (login: LoginOf, after: number, before: number, fetches: Evidence['fetches']): boolean =>
  nextFetch(login, after, fetches) < before
