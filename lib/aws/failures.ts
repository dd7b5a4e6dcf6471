import { quoted } from '../errors.js'
import type { CallDescription, Diagnosis } from './call-description.js'
import { describeSigner, renewalOf } from './credentials/signer.js'
import type { Source } from './credentials/sources.js'
import { CHECK_PATH } from './response.js'
import { asError, fromParsing, fromService, identifierOf, type SdkError, statusOf } from './scrub.js'
import { transportFailure, trustRemedy } from './transport.js'

/** The SDK's messages if the region is missing, empty or not a part of a host name. */
export const REGION_ERROR = /region is missing|region not accepted/i
const EXPIRED_TOKEN = /^(ExpiredToken|ExpiredTokenException)$/
const BAD_IDENTITY =
  /^(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|AuthFailure|InvalidToken|MissingAuthenticationToken|MissingAuthenticationTokenException|OptInRequired|NotSignedUp|IncompleteSignature|IncompleteSignatureException|InvalidSignatureException|SignatureDoesNotMatch|RequestExpired|RequestInTheFuture|RequestTimeTooSkewed)$/
const DENIED =
  /^(AccessDenied|AccessDeniedException|AccessDeniedFault|NotAuthorized|UnauthorizedOperation|UnauthorizedException)$/
// The SDK's name for a response without an error code, which does not come from AWS itself.
const NAMELESS = /^Unknown(Error)?$/

/** Remedies for programs. The command line replaces them with ones for a person at a terminal. */
export const SET_API = 'Set api to another operation.'
export const SHARE_LOGINS =
  'Share one RedshiftCredentials among your pools, or start your processes at different times; the call is retried automatically.'

/** Whether AWS rejected an expired session token. Refreshing the credentials may fix this. */
export const isExpiredToken = (error: unknown): boolean => EXPIRED_TOKEN.test(asError(error).name)

const CLOCK_ERROR = /^(RequestExpired|RequestInTheFuture|RequestTimeTooSkewed)$/

/** Whether AWS rejected the time of the request's signature. */
export const isClockError = (error: unknown): boolean => {
  const { name, message } = asError(error)
  return CLOCK_ERROR.test(name) || /^Signature (expired|not yet current)/.test(message)
}

/**
 * Determines what failed, and the remedy.
 * @param said the error's message, without secrets
 * @param sources where the AWS credentials come from, as far as known
 */
export function diagnose(error: SdkError, said: string, call: CallDescription, sources: readonly Source[]): Diagnosis {
  const name = identifierOf(error.name) ?? 'Error'
  const service = fromService(error)

  if (REGION_ERROR.test(said)) return ['ERR_REDSHIFT_TARGET', ...wrongRegion(said, call)]
  if (error.code === 'ERR_INVALID_URL')
    return [
      'ERR_REDSHIFT_OPTION',
      'A configured AWS endpoint is not a URL.',
      'Correct aws.endpoint, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_REDSHIFT (or _SERVERLESS), or endpoint_url in the profile.',
    ]
  if (/^(ClusterNotFound(Fault)?|ResourceNotFoundException)$/.test(name))
    return [
      'ERR_REDSHIFT_NOT_FOUND',
      `AWS found no ${call.target} in ${call.region ?? 'the configured region'} in the account of these AWS credentials.`,
      `Check the name (it is case-sensitive), the region and the account${call.otherKind ? `, or ${call.otherKind}` : ''}.`,
    ]
  if (/^UnsupportedOperation(Fault)?$/.test(name))
    return ['ERR_REDSHIFT_UNSUPPORTED', `AWS does not support ${call.action} for ${call.target}`, SET_API]
  if (EXPIRED_TOKEN.test(name))
    return ['ERR_REDSHIFT_AWS_CREDENTIALS', `The session of ${describeSigner(sources)} has expired`, renewalOf(sources)]
  if (BAD_IDENTITY.test(name))
    return [
      'ERR_REDSHIFT_AWS_CREDENTIALS',
      `AWS does not accept ${describeSigner(sources)} (${name})`,
      'Check that access key, secret and session token belong together and are active, and that the clock of this host is right.',
    ]
  const failure = transportFailure(error, said)
  if (failure?.kind === 'throttled') return [failure.code, `AWS throttled ${call.action}`, SHARE_LOGINS]
  if (failure?.kind === 'failed')
    return [failure.code, `AWS could not complete ${call.action} (${failure.detail})`, 'Try again later.']
  if (fromParsing(error) || (service && NAMELESS.test(name)))
    return [
      'ERR_REDSHIFT_RESPONSE',
      `The response to ${call.action} (HTTP ${statusOf(error)}) does not come from AWS.`,
      CHECK_PATH,
    ]
  if (DENIED.test(name) || (service && statusOf(error) === 403))
    return ['ERR_REDSHIFT_ACCESS_DENIED', ...accessDenied(said, call)]
  if (failure?.kind === 'untrusted')
    return [
      failure.code,
      `The TLS certificate of the endpoint for ${call.action} is not trusted (${failure.detail})`,
      trustRemedy(failure.detail),
    ]
  if (failure?.kind === 'unreached')
    return [
      failure.code,
      `AWS could not be reached for ${call.action} (${failure.detail})`,
      'Check region, endpoint, proxy and the network path; a private subnet needs a NAT gateway or a VPC endpoint.',
    ]
  if (failure?.kind === 'late')
    return [
      failure.code,
      `AWS did not respond to ${call.action} in time`,
      'Check the network path to AWS, or raise the timeouts in aws.requestHandler.',
    ]
  if (service)
    return [
      'ERR_REDSHIFT_OPTION',
      `AWS rejected the parameters of ${call.action} for ${call.target} (${name})`,
      'Correct the parameter that AWS names.',
    ]
  return ['ERR_REDSHIFT_UNAVAILABLE', `${call.action} for ${call.target} failed`, 'Check cause and the option aws.']
}

function wrongRegion(said: string, call: CallDescription): [problem: string, remedy: string] {
  const region = /region="([^"]+)"/.exec(said)?.[1]
  if (region !== undefined)
    return [
      `The region of ${call.target} is ${quoted(region)}, which is not the name of a region.`,
      'Correct AWS_REGION, region in the profile, or region in the option aws.',
    ]
  return [
    `No region is set for ${call.target}.`,
    process.env.AWS_DEFAULT_REGION
      ? 'Set region or AWS_REGION: the JavaScript SDK does not read AWS_DEFAULT_REGION.'
      : 'Set region or AWS_REGION, or set host to the Redshift host name, which contains the region.',
  ]
}

/**
 * The policy that AWS gives as the reason, such as `VPC endpoint policy`.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
const POLICY = '((?:[\\w-]+ ){1,4}policy|permissions boundary)'

function accessDenied(said: string, call: CallDescription): [problem: string, remedy: string] {
  const action = /perform: ([\w-]+:\w+)/.exec(said)?.[1] ?? call.action
  const resource = /on resource: (arn:\S+)/.exec(said)?.[1]?.replace(/[.,]$/, '')
  const resources = resource ? [resource] : call.resources
  const alternative = call.alternative ? `, or ${call.alternative}` : ''
  const denying = new RegExp(`with an explicit deny in an? ${POLICY}`, 'i').exec(said)?.[1]
  if (denying !== undefined)
    return [`AWS denied ${action}`, `Remove the explicit deny of ${action} from the ${denying}${alternative}.`]
  const silent = new RegExp(`because no ${POLICY} allows`, 'i').exec(said)?.[1]
  const policy = silent === undefined || silent === 'identity-based policy' ? 'IAM policy of this identity' : silent
  return [`AWS denied ${action}`, `Allow ${action} on ${resources.join(' and ')} in the ${policy}${alternative}.`]
}
