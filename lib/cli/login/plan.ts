import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RedshiftOptions, TraceContext } from '../../index.js'

/** What the library makes of its options: which login it would ask AWS for. */
export type Plan = TraceContext

const CHANNEL = 'pg-redshift-iam:fetch-start'

/**
 * Finds out, without sending anything, which login the options ask for: the library is given an AWS client that sends nothing,
 * and says what it is about to fetch.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TARGET`
 */
export async function planOf(options: RedshiftOptions): Promise<Plan> {
  const { RedshiftCredentials } = await import('../../index.js')
  const nothing = new Error('Nothing was sent.')
  const credentials = new RedshiftCredentials({ ...options, aws: { send: () => Promise.reject(nothing) } })
  let plan: Plan | undefined
  const listen = (message: unknown): void => {
    plan = message as Plan
  }
  subscribe(CHANNEL, listen)
  try {
    const asked = options.api === 'GetIdentityCenterAuthToken' ? credentials.getToken() : credentials.get()
    const refused = asked.catch((error: unknown) => error)
    if (!plan) throw await refused
    return plan
  } finally {
    unsubscribe(CHANNEL, listen)
    await credentials.close()
  }
}
