import type { CallDescription, Diagnosis } from './call-description.js'
import { identifierOf, type SdkError } from './scrub.js'

// AWS's guide and the SDK's models have different names for the same failures.
const NO_IDENTITY =
  /^(UnsupportedOperation|RedshiftInvalidParameter|InvalidParameterValue|Validation|ValidationError)(Exception|Fault)?$/
const NOT_FOUND = /^(ClusterNotFound|WorkgroupNotFound|ResourceNotFound)(Exception|Fault)?$/
const NOT_AVAILABLE = /^InvalidClusterState(Exception|Fault)?$/

/** Diagnoses failures that are specific to tokens. Undefined for failures that logins have as well. */
export function diagnoseToken(error: SdkError, call: CallDescription): Diagnosis | undefined {
  if (!call.forToken) return undefined
  const name = identifierOf(error.name) ?? ''
  if (NOT_FOUND.test(name))
    return [
      'ERR_REDSHIFT_NOT_FOUND',
      `AWS found no ${call.target} in ${call.region ?? 'the configured region'} in the account of these AWS credentials.`,
      'Check the name (it is case-sensitive), the region and the account.',
    ]
  if (NOT_AVAILABLE.test(name))
    return [
      'ERR_REDSHIFT_UNAVAILABLE',
      `AWS returned no token, because ${call.target} is not available`,
      'Wait until it is available.',
    ]
  if (NO_IDENTITY.test(name))
    return [
      'ERR_REDSHIFT_UNSUPPORTED',
      `AWS returned no token for ${call.target} to these AWS credentials`,
      'Use identity-enhanced AWS credentials: STS AssumeRole with ProvidedContexts, from an assertion of IAM Identity Center.',
    ]
  return undefined
}
