import { setTimeout as delay } from 'node:timers/promises'
import type { ActiveFaults, Incoming } from '../active-faults.js'

/** Waits as long as faults delay a login. */
export async function waitForLatency(incoming: Incoming, faults: ActiveFaults): Promise<void> {
  for (const { fault, cleared } of faults.hitAll(incoming, 'login-latency')) {
    await Promise.race([delay(fault.millis, undefined, { ref: false }), cleared])
  }
}

/** Waits while a workgroup resumes. Returns how that ends; undefined if none resumes. */
export async function waitForResume(incoming: Incoming, faults: ActiveFaults): Promise<'login' | 'reset' | undefined> {
  const [resuming] = faults.find(incoming, 'resuming')
  if (!resuming) return undefined
  resuming.hit()
  const { millis, ends = 'login' } = resuming.fault
  const waits = millis === undefined ? [] : [delay(millis, undefined, { ref: false })]
  await Promise.race([...waits, resuming.cleared])
  return ends
}
