import { setTimeout as delay } from 'node:timers/promises'
import type { RedshiftEmulator } from '../../lib/emulator/types.js'

/** Waits for what nothing tells. Fails after ten seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; !(await condition()); await delay(5))
    if (performance.now() > end) throw new Error(`It did not come about within ten seconds: ${what}.`)
}

/** No client has a socket any more. */
export const noSockets = (emulator: RedshiftEmulator): Promise<void> =>
  until('the gateway has no connection', () => emulator.connections === 0)
