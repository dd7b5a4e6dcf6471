import type { RedshiftCredentials, RedshiftStatus } from '../../lib/index.js'

/** The most refreshes that are possible since this time: a login is refreshed after half of its lifetime at the earliest. */
export const refreshesSince = (startedAt: number, lifetimeSeconds: number): number =>
  Math.floor((Date.now() - startedAt) / (lifetimeSeconds * 500))

/** Waits until a login has reached this phase. */
export async function phaseReached(credentials: RedshiftCredentials, phase: RedshiftStatus['phase']): Promise<void> {
  while (credentials.status()[0]?.phase !== phase) await new Promise(resolve => setTimeout(resolve, 10))
}
