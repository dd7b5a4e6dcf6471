import { toKeys } from '../store/crypto.js'
import { type CredentialStore, checkStoreOption } from '../store/store.js'
import { Broken, RULES, Slot } from './store-rules.js'

/**
 * Checks that a store does what {@link CredentialStore} says, in a few seconds: for a test of a store of your own. It uses keys that
 * nobody else has, 60 or so; what it leaves behind ends within two minutes.
 *
 * @example
 * it('is a store', () => checkStore(new MyStore(…)))
 * @throws AggregateError that names every rule that the store breaks
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` where it lacks a method, a valid encryption key or an identity
 */
export async function checkStore(store: CredentialStore): Promise<void> {
  checkStoreOption(store)
  toKeys(store.encryptionKeys)
  const broken = await Promise.all(
    Object.entries(RULES).map(async ([rule, check]) => {
      try {
        await check(new Slot(store))
        return []
      } catch (error) {
        return [{ rule, error }]
      }
    }),
  )
  const found = broken.flat()
  if (found.length === 0) return
  const list = found.map(({ rule, error }) => `\n- ${rule}: ${explain(error)}`).join('')
  throw new AggregateError(
    found.map(({ error }) => error),
    `The store breaks ${found.length} of ${broken.length} rules:${list}`,
  )
}

/** The message of a store's own error may hold anything, and a test's output is read by many. */
const explain = (error: unknown): string =>
  error instanceof Broken ? error.message : `it threw ${error instanceof Error ? error.name : typeof error}`
