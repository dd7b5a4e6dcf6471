import { setTimeout as delay } from 'node:timers/promises'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'

/** Less than mocha's timeout, which does not tell what a spec waited for. A busy machine may need most of it. */
const TIMEOUT_SECONDS = 300

/** Polls for a condition that has no event. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + TIMEOUT_SECONDS * 1_000; !(await condition()); await delay(5))
    if (performance.now() > end) throw new Error(`Timed out after ${TIMEOUT_SECONDS} seconds, waiting until ${what}.`)
}

/** Waits until no client has a socket. */
export const noSockets = (emulator: RedshiftEmulator): Promise<void> =>
  until('no client has a socket', () => emulator.connections === 0)
