import { toKeys } from '../keys.js'
import { type CredentialStore, checkStoreOption } from '../store.js'
import { BrokenRule, CheckedKey } from './checked-key.js'
import { claimRules } from './claim-rules.js'
import { valueRules } from './value-rules.js'

/**
 * Checks that a store keeps the contract of {@link CredentialStore}. Use it in the tests of your own store. It takes a few seconds and
 * uses about 20 unique keys, which expire within two minutes.
 *
 * @example
 * it('is a store', () => checkStore(new MyStore(…)))
 * @throws AggregateError that lists every rule that the store breaks
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION` if the store lacks a method, a valid encryption key or an identity
 */
export async function checkStore(store: CredentialStore): Promise<void> {
  checkStoreOption(store)
  toKeys(store.encryptionKeys)
  const rules = Object.entries({ ...claimRules, ...valueRules })
  const results = await Promise.all(
    rules.map(async ([rule, check]) => {
      try {
        await check(new CheckedKey(store))
        return []
      } catch (error) {
        return [{ rule, error }]
      }
    }),
  )
  const broken = results.flat()
  if (broken.length === 0) return
  const list = broken.map(({ rule, error }) => `\n- ${rule}: ${describe(error)}`).join('')
  throw new AggregateError(
    broken.map(({ error }) => error),
    `The store breaks ${broken.length} of ${rules.length} rules:${list}`,
  )
}

/** Omits the message of a store's own error: it may contain secrets, and many people can read the output of tests. */
const describe = (error: unknown): string =>
  error instanceof BrokenRule ? error.message : `it threw ${error instanceof Error ? error.name : typeof error}`
