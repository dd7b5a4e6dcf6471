import { isNativeError } from 'node:util/types'
import { printable } from '../errors.js'

/** The properties of an SDK error that are used here. */
export interface SdkError extends Error {
  code?: unknown
  $fault?: unknown
  $metadata?: { httpStatusCode?: unknown }
  $response?: unknown
  $retryable?: { throttling?: boolean }
}

/** Converts a thrown value to an error. Under test runners with separate realms, Node's errors are not instances of `Error`. */
export const asError = (thrown: unknown, fallback = 'The AWS SDK failed without an error.'): SdkError =>
  thrown instanceof Error || isNativeError(thrown) ? thrown : new Error(fallback)

/** Whether the error comes from AWS itself, not from the network or a parser. */
export const fromService = (error: SdkError): boolean => error.$fault !== undefined

/** Whether the response could not be parsed. The error's message quotes the response, perhaps with a password. */
export const fromParsing = (error: SdkError): boolean => !fromService(error) && error.$response !== undefined

/** Whether the error comes from one of the SDK's providers of AWS credentials or tokens. */
export const isProviderError = ({ name }: SdkError): boolean => /^(Credentials|Token)?ProviderError$/.test(name)

/** The HTTP status of the response, or 0 if there is none. Errors that do not come from the SDK may have any value here. */
export const statusOf = ({ $metadata }: SdkError): number => {
  const status = $metadata?.httpStatusCode
  return typeof status === 'number' && Number.isInteger(status) ? status : 0
}

const MAX_LENGTH = 1_000

/** Returns an error's message without secrets: without AWS's canonical strings, which contain session tokens, and without keys. */
export function scrub(error: SdkError): string {
  if (fromParsing(error)) return "AWS's response could not be parsed."
  // Errors that do not come from the SDK may have any value as message.
  const message: unknown = error.message
  if (typeof message !== 'string') return ''
  // After the first line, SignatureDoesNotMatch quotes the request's headers, which include the session token.
  const [line = ''] = withoutJson(message).split(/\r?\n|The Canonical String|The String-to-Sign/, 1)
  const safe = withoutKeys(withoutQuotes(line.slice(0, MAX_LENGTH)))
  return line.length > MAX_LENGTH ? `${safe}…` : safe.trim()
}

/** Ends the sentence about a problem, with the underlying error's message if there is one. */
export const ending = (said: string): string => (said === '' ? '.' : `: ${said}${/[.!?…]$/.test(said) ? '' : '.'}`)

/** Removes JSON that a parser quotes: up to 40 characters, including line breaks. */
const withoutJson = (text: string): string =>
  text
    .slice(0, 2 * MAX_LENGTH)
    .replace(
      /(?:\b(?:Unexpected|Expected|Bad|Unterminated|Invalid)\b|").*(?:\bin JSON\b|is not valid JSON|\bJSON at position\b).*/s,
      'it is not valid JSON',
    )

/** Removes what a message quotes and may be secret: arguments of a command, user and password in a URL, objects. */
const withoutQuotes = (text: string): string =>
  printable(text)
    .replace(/Command failed: .*/, 'The command failed.')
    .replace(/[[{]\s*["'[{].*|\{\s*\w+\s*:.*/, '{…}')
    // A password may contain characters that should be escaped in a URL.
    .replace(/(\b[a-z][\w+.-]*:\/\/|(?<![:/])\/\/)[^\s"'<>]*@/gi, '$1…@')
    // The parameters of a URL, and those of a form.
    .replace(/\?[\w.%-]+=[^\s"'<>]*/g, '?…')
    .replace(/\b(\w*(?:secret|password|token))=[^\s"'<>&]+/gi, '$1=…')

const withoutKeys = (text: string): string =>
  text
    .replace(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g, '<access key>')
    // The base64 encoding of a JWT starts with that of {".
    .replace(/\beyJ[\w-]+(?:\.[\w-]*)*/g, '<token>')
    // Secret keys have 40 characters, sometimes without a digit. ARNs are kept: parts of them look like keys, but they are needed to
    // correct the policy.
    .replace(/\barn:aws[\w:/.@*+=,-]*|[A-Za-z0-9+/=_-]{40,}/g, run =>
      !run.startsWith('arn:') && /[a-z]/.test(run) && /[A-Z]/.test(run) && (run.length === 40 || /\d/.test(run))
        ? '<secret>'
        : run,
    )

/** Returns a name or code if it is a plain identifier. A broken response or a credential provider may put any value there. */
export const identifierOf = (text: unknown): string | undefined =>
  typeof text === 'string' && /^[A-Za-z][\w.]{0,63}$/.test(text) && withoutKeys(text) === text ? text : undefined

const FRAME = /^\s+at .*(?::\d+:\d+|<anonymous>|native)\)?$/

function stackOf(error: Error): string {
  try {
    // If the program sets `Error.prepareStackTrace`, the stack need not be a string.
    const stack: unknown = error.stack
    return typeof stack === 'string' ? stack : ''
  } catch {
    // With source maps, Node converts the error's name to a string here, which may throw.
    return ''
  }
}

/** The SDK's own properties of a response. Other providers of AWS credentials may put anything there, such as request headers. */
function metadataOf(metadata: unknown): object | undefined {
  if (typeof metadata !== 'object' || metadata === null) return undefined
  const { requestId, ...others } = metadata as Record<string, unknown>
  const numbers = ['httpStatusCode', 'attempts', 'totalRetryDelay'].flatMap(name =>
    typeof others[name] === 'number' ? [[name, others[name]]] : [],
  )
  const isId = typeof requestId === 'string' && /^[\w-]{1,64}$/.test(requestId)
  return { ...(isId && { requestId }), ...Object.fromEntries(numbers) }
}

/** Copies an SDK error for `cause`. The original has a hidden `$response` with session tokens and the body of a broken response. */
export function copyCause(error: SdkError): Error {
  const copy = new Error(scrub(error))
  copy.name = identifierOf(error.name) ?? 'Error'
  const frames = stackOf(error)
    .split('\n')
    .filter(line => FRAME.test(line))
  copy.stack = [`${copy.name}: ${copy.message}`, ...frames].join('\n')
  const { code, $fault, $metadata } = error
  const own = { code: identifierOf(code), $fault: identifierOf($fault), $metadata: metadataOf($metadata) }
  for (const [name, value] of Object.entries(own))
    if (value !== undefined) Object.defineProperty(copy, name, { value, enumerable: true })
  return copy
}
