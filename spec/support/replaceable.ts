import { setTimeout as delay } from 'node:timers/promises'
import type { RedshiftEmulator } from '../../lib/emulator/types.js'

/** Logins of this lifetime, in seconds, may be refused half a second after they were fetched: before, they count as new. */
export const LIFETIME_SECONDS = 12

/** Waits until the last login that was fetched is old enough for a refusal to be believed: a twentieth of its lifetime. */
export async function replaceable(emulator: RedshiftEmulator, lifetimeSeconds = LIFETIME_SECONDS): Promise<void> {
  const fetchedAt = emulator.calls.at(-1)?.at ?? 0
  await delay(fetchedAt + lifetimeSeconds * 50 + 50 - Date.now())
}
