import { quoted, RedshiftCredentialsError } from '../errors.js'
import type { CallDescription, Diagnosis } from './call.js'
import { credentialsError } from './credentials/errors.js'
import type { Source } from './credentials/sources.js'
import { CHECK_PATH } from './response.js'
import {
  asError,
  copyCause,
  ending,
  fromParsing,
  fromService,
  identifierOf,
  isProviderError,
  type SdkError,
  scrub,
  statusOf,
} from './scrub.js'
import { diagnoseToken } from './token-failures.js'
import { transportFailure, trustRemedy } from './transport.js'

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

/** Determines what failed, and the remedy. The caller appends `said` to the problem unless it ends with a full stop. */
function diagnose(error: SdkError, said: string, call: CallDescription, sources: readonly Source[]): Diagnosis {
  const name = identifierOf(error.name) ?? 'Error'
  const service = fromService(error)

  if (/region is missing/i.test(said))
    return ['ERR_REDSHIFT_TARGET', `No region is set for ${call.target}.`, regionRemedy()]
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
    return ['ERR_REDSHIFT_AWS_CREDENTIALS', `The session of ${describeSigner(sources)} has expired`, renewal(sources)]
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

const regionRemedy = (): string =>
  process.env.AWS_DEFAULT_REGION
    ? 'Set region or AWS_REGION: the JavaScript SDK does not read AWS_DEFAULT_REGION.'
    : 'Set region or AWS_REGION, or set host to the Redshift host name, which contains the region.'

/** The source of the credentials that signed the request: the first one, or the role that it assumes. */
const signer = (sources: readonly Source[]): Source | undefined => {
  const next = sources.findIndex(({ kind }, index) => index > 0 && kind !== 'role')
  return sources.slice(0, next < 0 ? undefined : next).at(-1)
}

const describeSigner = (sources: readonly Source[]): string => {
  const profile = signer(sources)?.profile
  return profile === undefined ? 'these AWS credentials' : `the AWS credentials of profile ${quoted(profile)}`
}

function renewal(sources: readonly Source[]): string {
  const source = signer(sources)
  const profile = quoted(source?.profile)
  switch (source?.kind) {
    case 'environment':
      return 'Export new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and restart the process.'
    case 'keys':
      return `Put new keys and a new session token in profile ${profile}; the next attempt reads the file again.`
    case 'process':
      return `Make the credential_process of profile ${profile} print new credentials.`
    case 'own':
      return 'Set aws.credentials to a function that returns new credentials.'
    default:
      return 'Run `aws sso login`, or set new keys and a new AWS_SESSION_TOKEN; the SDK renews roles automatically.'
  }
}

function accessDenied(said: string, call: CallDescription): [problem: string, remedy: string] {
  const action = /perform: ([\w-]+:\w+)/.exec(said)?.[1] ?? call.action
  const resource = /on resource: (arn:\S+)/.exec(said)?.[1]?.replace(/[.,]$/, '')
  const resources = resource ? [resource] : call.resources
  const allow = `Allow ${action} on ${resources.join(' and ')} in the IAM policy of this identity`
  return [`AWS denied ${action}`, `${allow}${call.alternative ? `, or ${call.alternative}` : ''}.`]
}

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

const OWN: readonly Source[] = [{ kind: 'own' }]

/**
 * Converts an error from before the first attempt to a RedshiftCredentialsError. It is a failure of the AWS credentials unless the client
 * itself is configured wrongly.
 */
export function toLoadingError(
  error: unknown,
  call: CallDescription,
  sources: readonly Source[],
): RedshiftCredentialsError {
  if (error instanceof RedshiftCredentialsError) return error
  const { name, message, code } = asError(error)
  const hasUrl = sources.some(({ kind }) => kind === 'container endpoint')
  const isSetUp =
    name === 'EndpointError' || (code === 'ERR_INVALID_URL' && !hasUrl) || /region is missing/i.test(message)
  return isSetUp ? toRedshiftError(error, call) : credentialsError(error, sources, call.region)
}

/** The error for an SDK package that could not be loaded. */
export function missingSdkError(serviceId: string, error: unknown): RedshiftCredentialsError {
  const name = `@aws-sdk/client-${serviceId.toLowerCase().replace(' ', '-')}`
  return new RedshiftCredentialsError(
    'ERR_REDSHIFT_UNAVAILABLE',
    `The AWS SDK could not be loaded: the package ${name} is missing. Install it where the program runs, or include it in the bundle.`,
    { cause: copyCause(asError(error)) },
  )
}
