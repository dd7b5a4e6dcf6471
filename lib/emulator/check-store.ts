import { toKeys } from '../store/crypto.js'
import { type CredentialStore, checkStoreOption } from '../store/store.js'
import { Broken, RULES, Slot } from './store-rules.js'

/**
 * Checks that a store keeps the contract of {@link CredentialStore}. Use it in the tests of your own store. It takes a few seconds and
 * uses about 60 unique keys, which expire within two minutes.
 *
 * @example
 * it('is a store', () => checkStore(new MyStore(…)))
 * @throws AggregateError listing every rule that the store breaks
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` if the store lacks a method, a valid encryption key or an identity
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

/** Leaves out the message of a store's own error: it may contain secrets, and test output is widely readable. */
const explain = (error: unknown): string =>
  error instanceof Broken ? error.message : `it threw ${error instanceof Error ? error.name : typeof error}`
