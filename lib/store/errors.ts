import { RedshiftCredentialsError } from '../errors.js'
import { type CredentialRequest, targetOf } from '../request.js'
import type { StoreOperation } from '../tracing.js'

/** The error of a fetch whose deadline passes while it waits for another process. */
export const claimedError = (request: CredentialRequest): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    `Another process has claimed the login for ${JSON.stringify(targetOf(request))}, but has not stored it in time. ` +
      'Check that the processes that share the store can reach AWS, or raise fetchTimeoutMillis.',
  )

/** The error of a fetch whose deadline passes during a call of AWS that a slow store has left too little time. */
export const slowStoreError = (
  request: CredentialRequest,
  operation: StoreOperation,
  spentMillis: number,
  deadlineMillis: number,
): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    `The store did not complete ${operation} in time and used ${Math.round(spentMillis)} of the ${Math.round(deadlineMillis)} ms for the login of ${JSON.stringify(targetOf(request))}; AWS did not respond in the remaining time. ` +
      'Check the connection to the store and the network path to AWS, or raise fetchTimeoutMillis.',
  )
