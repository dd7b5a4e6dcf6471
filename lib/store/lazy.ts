import type { Fetch } from '../fetch-context.js'
import { storeUse, traceContext } from '../tracing.js'
import { toKeys } from './keys.js'
import type { SharedLogins, SharedLoginsOptions } from './shared-logins.js'

/**
 * Returns logins that are shared through a store. Their code is loaded with the first fetch, because most processes have no store. If it
 * cannot be loaded, AWS is called as if the store had failed, and the next fetch tries again.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` if the store has no valid encryption key
 */
export function sharedLogins(
  options: Omit<SharedLoginsOptions, 'encryptionKeys'>,
): Pick<SharedLogins, 'fetch' | 'remove'> {
  // Copied now, because the program may erase its own keys.
  const encryptionKeys = toKeys(options.store.encryptionKeys)
  let loading: Promise<SharedLogins> | undefined
  const load = async (): Promise<SharedLogins | undefined> => {
    loading ??= import('./shared-logins.js').then(
      ({ SharedLogins }) => new SharedLogins({ ...options, encryptionKeys }),
    )
    try {
      return await loading
    } catch {
      loading = undefined
      return undefined
    }
  }
  const fetch: Fetch = async (request, context) => {
    const shared = await load()
    if (shared) return shared.fetch(request, context)
    if (storeUse.hasSubscribers)
      storeUse.publish({
        ...traceContext(request),
        event: 'direct',
        reason: 'failed',
        operation: undefined,
        detail: undefined,
      })
    context.signal.throwIfAborted()
    return options.fetch(request, context)
  }
  return { fetch, remove: async (request, login) => (await load())?.remove(request, login) }
}
