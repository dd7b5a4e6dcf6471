import { RedshiftCredentialsError, type RedshiftErrorCode } from '../errors.js'
import { CHECK_PATH } from './answer.js'
import type { FailedCall } from './call.js'
import { asError, copyCause, fromParsing, fromService, identifierOf, type SdkError, scrub, statusOf } from './scrub.js'

const THROTTLING =
  /^(Throttling|ThrottlingException|ThrottledException|RequestThrottled|RequestThrottledException|RequestLimitExceeded|TooManyRequestsException|SlowDown|BandwidthLimitExceeded|LimitExceededException|PriorRequestNotComplete|EC2ThrottledException|TransactionInProgressException|ProvisionedThroughputExceededException)$/
const EXPIRED_TOKEN = /^(ExpiredToken|ExpiredTokenException)$/
const BAD_IDENTITY =
  /^(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|AuthFailure|InvalidToken|MissingAuthenticationToken|MissingAuthenticationTokenException|OptInRequired|NotSignedUp|IncompleteSignature|IncompleteSignatureException|InvalidSignatureException|SignatureDoesNotMatch|RequestExpired|RequestInTheFuture|RequestTimeTooSkewed)$/
const NETWORK =
  /^(ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|EPIPE|ETIMEDOUT|EPROTO|ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|ERR_HTTP)/

// The names that the SDK itself takes for passing, and what stands between this host and AWS says.
const TIMED_OUT = /^(TimeoutError|AbortError|RequestTimeout|RequestTimeoutException)$/
const DENIED =
  /^(AccessDenied|AccessDeniedException|AccessDeniedFault|NotAuthorized|UnauthorizedOperation|UnauthorizedException)$/
// Where an answer names no error, it is not AWS's own.
const NAMELESS = /^Unknown(Error)?$/

/** Whether AWS refused the session's token as expired: forcing the credentials to refresh may mend it. */
export const isExpiredToken = (error: unknown): boolean => EXPIRED_TOKEN.test(asError(error).name)

const CLOCK_ERROR = /^(RequestExpired|RequestInTheFuture|RequestTimeTooSkewed)$/

/** Whether AWS refused the time that the request was signed for. */
export const isClockError = (error: unknown): boolean => {
  const { name, message } = asError(error)
  return CLOCK_ERROR.test(name) || /^Signature (expired|not yet current)/.test(message)
}

/** What the failure is, and what mends it. */
function diagnose(error: SdkError, call: FailedCall): [RedshiftErrorCode, string] {
  const name = identifierOf(error.name) ?? 'Error'
  const said = scrub(error)
  const because = said === '' ? '.' : `: ${said}${/[.!?…]$/.test(said) ? '' : '.'}`
  const status = statusOf(error)
  const code = identifierOf(error.code) ?? ''
  const service = fromService(error)

  if (/^(Credentials|Token)?ProviderError$/.test(name))
    return /\bsso\b|token/i.test(said)
      ? [
          'ERR_REDSHIFT_AWS_CREDENTIALS',
          `The AWS SSO session has ended or was never opened${because} Run \`aws sso login\`, with --profile where you use one.`,
        ]
      : [
          'ERR_REDSHIFT_AWS_CREDENTIALS',
          `No AWS credentials were found${because} Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the service a role, or run \`aws sso login\`.`,
        ]
  if (/region is missing/i.test(said))
    return [
      'ERR_REDSHIFT_TARGET',
      `No region for ${call.target}. Set region, or AWS_REGION, or use its own host name, which says it.`,
    ]
  if (/^(ClusterNotFound(Fault)?|ResourceNotFoundException)$/.test(name))
    return [
      'ERR_REDSHIFT_NOT_FOUND',
      `AWS knows no ${call.target} in ${call.region ?? 'the configured region'}, for the account of these AWS credentials. Check the name (identifiers are case-sensitive), the region and the account.`,
    ]
  if (/^UnsupportedOperation(Fault)?$/.test(name))
    return [
      'ERR_REDSHIFT_UNSUPPORTED',
      `AWS does not support ${call.action} for ${call.target}${because} Set api to another operation.`,
    ]
  if (EXPIRED_TOKEN.test(name))
    return [
      'ERR_REDSHIFT_AWS_CREDENTIALS',
      `AWS says that the session of these AWS credentials has expired${because} Renew it: \`aws sso login\`, or new AWS_SESSION_TOKEN and keys; a role renews itself.`,
    ]
  if (BAD_IDENTITY.test(name))
    return [
      'ERR_REDSHIFT_AWS_CREDENTIALS',
      `AWS does not accept these AWS credentials (${name})${because} Check that access key, secret and session token belong together and are active, and that this host's clock is right.`,
    ]
  if (THROTTLING.test(name) || error.$retryable?.throttling || status === 429 || /rate exceeded/i.test(said))
    return [
      'ERR_REDSHIFT_THROTTLED',
      `AWS throttles ${call.action}${because} Share one RedshiftCredentials among pools, or spread the start of processes; the call is repeated by itself.`,
    ]
  if (status >= 500 || error.$fault === 'server')
    return [
      'ERR_REDSHIFT_UNAVAILABLE',
      `AWS failed to answer ${call.action} (HTTP ${status})${because} Try again later; the call is repeated by itself.`,
    ]
  if (fromParsing(error) || (service && NAMELESS.test(name)))
    return [
      'ERR_REDSHIFT_RESPONSE',
      `The answer to ${call.action} (HTTP ${status}) could not be read as AWS's. ${CHECK_PATH}`,
    ]
  if (DENIED.test(name) || (service && status === 403))
    return ['ERR_REDSHIFT_ACCESS_DENIED', accessDenied(said, because, call)]
  // The SDK calls a dropped connection a TimeoutError, and keeps its code.
  if (!service && NETWORK.test(code))
    return [
      'ERR_REDSHIFT_UNAVAILABLE',
      `AWS could not be reached for ${call.action} (${code})${because} Check region, endpoint, proxy and the network path; a private subnet needs a NAT or a VPC endpoint.`,
    ]
  if (TIMED_OUT.test(name))
    return [
      'ERR_REDSHIFT_TIMEOUT',
      `AWS did not answer ${call.action} in time${because} Check the network path to AWS, or raise the time-outs of aws.requestHandler.`,
    ]
  if (service)
    return [
      'ERR_REDSHIFT_OPTION',
      `AWS refused the parameters of ${call.action} for ${call.target} (${name})${because} Correct the option that it names.`,
    ]
  // A file of tokens that is not there, a provider of one's own that gives nothing.
  if (/credential/i.test(said) || /^(ENOENT|EACCES)$/.test(code))
    return [
      'ERR_REDSHIFT_AWS_CREDENTIALS',
      `The AWS credentials could not be loaded${because} Check the provider of AWS credentials, or set aws.credentials.`,
    ]
  return [
    'ERR_REDSHIFT_UNAVAILABLE',
    `${call.action} for ${call.target} failed${because} See cause, and the option aws.`,
  ]
}

function accessDenied(said: string, because: string, call: FailedCall): string {
  const action = /perform: ([\w-]+:\w+)/.exec(said)?.[1] ?? call.action
  const resource = /on resource: (arn:\S+)/.exec(said)?.[1]?.replace(/[.,]$/, '')
  const resources = resource ? [resource] : call.resources
  const allow = `Allow ${action} on ${resources.join(' and ')} in the IAM policy of this identity`
  return `AWS denies ${action}${because} ${allow}${call.alternative ? `, or ${call.alternative}` : ''}.`
}

/** Turns whatever the SDK threw into an error of ours. */
export function toRedshiftError(error: unknown, call: FailedCall): RedshiftCredentialsError {
  if (error instanceof RedshiftCredentialsError) return error
  const sdkError = asError(error)
  const [code, message] = diagnose(sdkError, call)
  return new RedshiftCredentialsError(code, message, { cause: copyCause(sdkError) })
}
