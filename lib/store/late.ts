import type { Fetch } from '../fetch.js'
import { toKeys } from './keys.js'
import type { SharedLogins, SharedLoginsOptions } from './shared.js'

/**
 * Returns logins that are shared through a store. Their code is loaded with the first fetch, because most processes have no store.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` if the store has no valid encryption key
 */
export function sharedLogins(
  options: Omit<SharedLoginsOptions, 'encryptionKeys'>,
): Pick<SharedLogins, 'fetch' | 'remove'> {
  // Copied now, because the program may erase its own keys.
  const encryptionKeys = toKeys(options.store.encryptionKeys)
  let loading: Promise<SharedLogins> | undefined
  const load = (): Promise<SharedLogins> => {
    loading ??= import('./shared.js').then(({ SharedLogins }) => new SharedLogins({ ...options, encryptionKeys }))
    return loading
  }
  const fetch: Fetch = async (request, context) => (await load()).fetch(request, context)
  return { fetch, remove: async (request, login) => (await load()).remove(request, login) }
}
