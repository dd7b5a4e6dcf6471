import { RedshiftCredentialsError } from '../errors.js'
import type { CallDescription } from './call-description.js'
import { credentialsError, isFromCredentials } from './credentials/errors.js'
import type { Source } from './credentials/sources.js'
import { diagnose, REGION_ERROR } from './failures.js'
import { asError, copyCause, ending, identifierOf, isProviderError, scrub } from './scrub.js'
import { diagnoseToken } from './token-failures.js'

const OWN: readonly Source[] = [{ kind: 'own' }]

/**
 * Converts an error of the SDK to a RedshiftCredentialsError.
 * @param sources where the SDK's AWS credentials come from, as far as known
 */
export function toRedshiftError(
  error: unknown,
  call: CallDescription,
  sources: readonly Source[] = [],
): RedshiftCredentialsError {
  if (error instanceof RedshiftCredentialsError) return error
  const sdkError = asError(error)
  // A client without a middleware stack does not show that it was loading credentials, but errors of the SDK's providers have known names.
  if (isProviderError(sdkError)) return credentialsError(error, sources.length > 0 ? sources : OWN, call.region)
  const said = scrub(sdkError)
  const [code, problem, remedy] = diagnoseToken(sdkError, call) ?? diagnose(sdkError, said, call, sources)
  const message = `${problem}${problem.endsWith('.') ? '' : ending(said)} ${remedy}`
  return new RedshiftCredentialsError(code, message, { cause: copyCause(sdkError), remedy })
}

/**
 * Converts an error from before the first attempt to a RedshiftCredentialsError. It comes from the AWS credentials, from a wrong
 * configuration of the client, or from the program's code in it: a region, an endpoint or a retry strategy.
 */
export function toPreparationError(
  error: unknown,
  call: CallDescription,
  sources: readonly Source[],
): RedshiftCredentialsError {
  if (error instanceof RedshiftCredentialsError) return error
  const sdkError = asError(error)
  const { name, message, code } = sdkError
  const hasUrl = sources.some(({ kind }) => kind === 'container endpoint')
  const isMisconfigured =
    name === 'EndpointError' || (code === 'ERR_INVALID_URL' && !hasUrl) || REGION_ERROR.test(message)
  if (isMisconfigured) return toRedshiftError(error, call)
  if (isFromCredentials(sdkError, sources)) return credentialsError(error, sources, call.region)
  return new RedshiftCredentialsError(
    'ERR_REDSHIFT_UNAVAILABLE',
    `${call.action} for ${call.target} could not be prepared${ending(scrub(sdkError))} Check cause and the functions in the option aws.`,
    { cause: copyCause(sdkError) },
  )
}

/** The error for an SDK package that could not be loaded. */
export function sdkLoadError(serviceId: string, error: unknown): RedshiftCredentialsError {
  const name = `@aws-sdk/client-${serviceId.toLowerCase().replace(' ', '-')}`
  const cause = asError(error)
  const code = identifierOf(cause.code) ?? 'Error'
  const isMissing = code.endsWith('MODULE_NOT_FOUND')
  return new RedshiftCredentialsError(
    'ERR_REDSHIFT_UNAVAILABLE',
    isMissing
      ? `The AWS SDK could not be loaded: the package ${name} is missing. Install it where the program runs, or include it in the bundle.`
      : `The AWS SDK could not be loaded: ${code} in the package ${name}. Check cause and the installation of the package.`,
    { cause: copyCause(cause) },
  )
}
