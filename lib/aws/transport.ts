import type { RedshiftErrorCode } from '../errors.js'
import { fromService, identifierOf, type SdkError, statusOf } from './scrub.js'

const THROTTLING =
  /\b(Throttling|ThrottlingException|ThrottledException|RequestThrottled|RequestThrottledException|RequestLimitExceeded|TooManyRequestsException|SlowDown|BandwidthLimitExceeded|LimitExceededException|PriorRequestNotComplete|EC2ThrottledException|TransactionInProgressException|ProvisionedThroughputExceededException)\b/
const CERTIFICATE =
  /\b(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY|DECODE|DECRYPT)_\w+|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)\b/
const NETWORK =
  /\b(ECONN[A-Z]+|ENOTFOUND|EAI_AGAIN|EHOST[A-Z]+|ENET[A-Z]+|EPIPE|ETIMEDOUT|EPROTO|ERR_TLS\w*|ERR_SSL\w*|ERR_HTTP\w*)\b/
// The names that the SDK regards as temporary failures, and those that proxies use.
const TIMED_OUT = /^(TimeoutError|AbortError|RequestTimeout|RequestTimeoutException)$/

/** A failure that does not depend on the request. */
export interface TransportFailure {
  readonly kind: 'throttled' | 'failed' | 'untrusted' | 'unreached' | 'late'
  readonly code: RedshiftErrorCode
  /** Node's error code, or the HTTP status; empty if there is neither. */
  readonly detail: string
}

/** Recognizes throttling, server failures, network failures and timeouts. Undefined for other errors. */
export function transportFailure(error: SdkError, said: string): TransportFailure | undefined {
  const name = identifierOf(error.name) ?? ''
  const status = statusOf(error)
  const failure = (kind: TransportFailure['kind'], code: RedshiftErrorCode, detail = ''): TransportFailure => ({
    kind,
    code,
    detail,
  })
  // Providers of AWS credentials put the name of the error that they caught at the start of their message.
  const names = /ProviderError$/.test(name) ? said : name
  if (THROTTLING.test(names) || error.$retryable?.throttling || status === 429 || /rate exceeded/i.test(said))
    return failure('throttled', 'ERR_REDSHIFT_THROTTLED')
  if (status >= 500 || error.$fault === 'server') return failure('failed', 'ERR_REDSHIFT_UNAVAILABLE', `HTTP ${status}`)
  if (!fromService(error)) {
    // The SDK reports a dropped connection as a TimeoutError, with its original code.
    const code = identifierOf(error.code) ?? said
    const [untrusted] = CERTIFICATE.exec(code) ?? []
    if (untrusted) return failure('untrusted', 'ERR_REDSHIFT_UNAVAILABLE', untrusted)
    const [unreached] = NETWORK.exec(code) ?? []
    if (unreached) return failure('unreached', 'ERR_REDSHIFT_UNAVAILABLE', unreached)
  }
  return TIMED_OUT.test(name) ? failure('late', 'ERR_REDSHIFT_TIMEOUT') : undefined
}

/** The remedy for a certificate that is not trusted. */
export const trustRemedy = (code: string): string =>
  /EXPIRED|NOT_YET_VALID/.test(code)
    ? 'Check the clock of this host, and whether a proxy that inspects TLS replaces the certificate.'
    : 'If a proxy inspects TLS, set NODE_EXTRA_CA_CERTS to its root certificate before the process starts: Node.js does not read AWS_CA_BUNDLE.'
