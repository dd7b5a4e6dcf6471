import type { RedshiftCredentials, RedshiftStatus } from '../../lib/index.js'

/** Waits until a login has reached this phase. */
export async function phaseReached(credentials: RedshiftCredentials, phase: RedshiftStatus['phase']): Promise<void> {
  while (credentials.status()[0]?.phase !== phase) await new Promise(resolve => setTimeout(resolve, 10))
}
