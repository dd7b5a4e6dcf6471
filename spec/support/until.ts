import { setTimeout as delay } from 'node:timers/promises'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'

/** Polls for a condition that has no event. Fails after this many seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, seconds = 10): Promise<void> {
  for (const end = performance.now() + seconds * 1_000; !(await condition()); await delay(5))
    if (performance.now() > end) throw new Error(`It did not come about within ${seconds} seconds: ${what}.`)
}

/** No client has a socket any more. */
export const noSockets = (emulator: RedshiftEmulator): Promise<void> =>
  until('the gateway has no connection', () => emulator.connections === 0)
