import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, RedshiftEmulator } from 'pg-redshift-iam/emulator'
import { malformations } from '../lib/cli/emulate/fault.js'
import type { Random } from './random.js'

/** A planned fault: what, when (milliseconds after the start of the round), and for how long. */
export interface PlannedFault {
  readonly name: string
  readonly at: number
  readonly millis: number
  readonly fault: Fault | 'revoke' | 'restart'
  /** How many requests or logins it affects at most. */
  readonly times?: number
}

/** A fault that has happened. `to` is infinite while it lasts. */
export interface PastFault {
  readonly name: string
  readonly kind: Exclude<PlannedFault['fault'], object> | Fault['kind']
  readonly from: number
  to: number
  hits: number
}

/** Faults of AWS that no caller may notice, even if they last long. */
const harmless = ['latency', 'clock-skew', 'stale-date', 'no-date'] as const

/** Whether AWS issues no new login during the fault. */
export const isOutage = ({ kind }: PastFault): boolean =>
  !harmless.includes(kind as (typeof harmless)[number]) && !isOfServer(kind)

const isOfServer = (kind: PastFault['kind']): boolean => /login|revoke|restart/.test(kind)

const OUTAGES = [
  ...(['internal-error', 'throttling', 'hang', 'reset', 'same-expiry'] as const),
  ...(['access-denied', 'expired-token', 'invalid-token', 'not-found'] as const),
] as const

function awsFault(random: Random): { fault: Fault; isOutage: boolean } {
  const kind = random.pick([
    ...OUTAGES,
    ...(['hang', 'malformed', 'malformed'] as const),
    ...(['latency', 'latency', 'clock-skew', 'clock-skew', 'stale-date', 'no-date'] as const),
  ])
  switch (kind) {
    case 'latency':
      return { fault: { kind, millis: random.whole(50, 1_000) }, isOutage: false }
    case 'clock-skew':
      return { fault: { kind, seconds: random.pick([-600, 600, -90, 90]) }, isOutage: false }
    case 'stale-date':
      return { fault: { kind, ageSeconds: random.whole(10, 240) }, isOutage: false }
    case 'no-date':
      return { fault: { kind }, isOutage: false }
    case 'malformed':
      return { fault: { kind, how: random.pick(malformations) }, isOutage: true }
    case 'same-expiry':
      return { fault: { kind, samePassword: random.draw() < 0.5 }, isOutage: true }
    case 'throttling':
    case 'internal-error':
      return {
        fault: random.draw() < 0.5 ? { kind } : { kind, retryAfterSeconds: random.whole(1, 3) },
        isOutage: true,
      }
    default:
      return { fault: { kind }, isOutage: true }
  }
}

function serverFault(random: Random): Pick<PlannedFault, 'fault' | 'millis'> & { times?: number } {
  const kind = random.pick([
    'login-latency',
    'login-reset',
    'login-hang',
    'reject-login',
    'revoke',
    'revoke',
    'restart',
  ])
  switch (kind) {
    case 'login-latency':
      return { fault: { kind, millis: random.whole(50, 400) }, millis: random.between(2_000, 4_000) }
    case 'login-reset':
      return { fault: { kind }, millis: 3_000, times: random.whole(1, 5) }
    case 'login-hang':
      return { fault: { kind }, millis: 3_000, times: random.whole(1, 3) }
    case 'reject-login':
      return { fault: { kind, sqlstate: random.pick(['28000', '28P01']) }, millis: 3_000, times: random.whole(1, 3) }
    case 'restart':
      return { fault: kind, millis: random.between(0, 800) }
    default:
      return { fault: 'revoke', millis: 0 }
  }
}

const named = (fault: PlannedFault['fault']): string =>
  typeof fault === 'string' ? fault : fault.kind === 'malformed' ? `malformed (${fault.how})` : fault.kind

/**
 * Plans the faults of AWS and of the server in a round. Most outages of AWS last less than a quarter of a login's lifetime, and no
 * caller may notice them. Some last longer. There is time to recover between two outages.
 */
export function planFaults(
  random: Random,
  millis: number,
  lifetimeMillis: number,
): { aws: PlannedFault[]; server: PlannedFault[] } {
  const aws: PlannedFault[] = []
  for (let at = random.between(1_000, 2_000); ; ) {
    const { fault, isOutage } = awsFault(random)
    const isLong = random.draw() < 0.2
    const longest = lifetimeMillis / 4 - 100
    const lasts = !isOutage
      ? random.between(2_000, 6_000)
      : isLong
        ? random.between(longest + 1_000, lifetimeMillis * 0.6)
        : random.between(300, longest)
    if (at + lasts > millis) break
    aws.push({ name: named(fault), at, millis: lasts, fault })
    at += lasts + random.between(3_000, 4_000)
  }
  const server: PlannedFault[] = []
  for (let at = random.between(1_000, 2_000); ; ) {
    const fault = serverFault(random)
    if (at + fault.millis > millis) break
    server.push({ name: named(fault.fault), at, ...fault })
    at += fault.millis + random.between(500, 2_000)
  }
  return { aws, server }
}

/** Injects planned faults into the emulator, and records them. */
export class FaultInjector {
  readonly past: PastFault[] = []
  readonly #emulator: RedshiftEmulator

  constructor(emulator: RedshiftEmulator) {
    this.#emulator = emulator
  }

  /** Injects each failure of AWS once, one per request, so that code that is loaded on first use does not affect the measurements. */
  warmUp(): number {
    const faults: Fault[] = [
      ...OUTAGES.filter(kind => kind !== 'hang').map((kind): Fault => ({ kind })),
      ...malformations.map((how): Fault => ({ kind: 'malformed', how })),
    ]
    for (const fault of faults) this.#emulator.fail(fault, { times: 1 })
    return faults.length
  }

  async play({ aws, server }: ReturnType<typeof planFaults>): Promise<void> {
    const start = Date.now()
    const inTurn = async (planned: readonly PlannedFault[]): Promise<void> => {
      for (const fault of planned) {
        await sleep(Math.max(0, start + fault.at - Date.now()))
        await this.#inject(fault)
      }
    }
    await Promise.all([inTurn(aws), inTurn(server)])
  }

  async #inject({ name, fault, millis, times }: PlannedFault): Promise<void> {
    const kind = typeof fault === 'string' ? fault : fault.kind
    const past: PastFault = { name, kind, from: Date.now(), to: Number.POSITIVE_INFINITY, hits: 1 }
    this.past.push(past)
    if (fault === 'revoke') this.#emulator.revokeLogins()
    else if (fault === 'restart') await this.#emulator.restart({ downMillis: millis })
    else {
      const injected = this.#emulator.fail(fault, { times })
      await Promise.race([sleep(millis), ...(times === undefined ? [] : [injected.reached(times)])])
      injected.clear()
      past.hits = injected.hits
    }
    past.to = Date.now()
  }
}
