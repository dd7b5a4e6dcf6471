import { isNativeError } from 'node:util/types'
import { printable } from '../errors.js'

/** The parts of an SDK error that are looked at. */
export interface SdkError extends Error {
  code?: unknown
  $fault?: unknown
  $metadata?: { httpStatusCode?: unknown }
  $response?: unknown
  $retryable?: { throttling?: boolean }
}

/** Whatever was thrown, as an error. Under a test runner with realms of its own, Node's errors are no instances of `Error`. */
export const asError = (thrown: unknown, otherwise = 'The AWS SDK failed without an error.'): SdkError =>
  thrown instanceof Error || isNativeError(thrown) ? thrown : new Error(otherwise)

/** AWS itself said this: not the network, not a parser. */
export const fromService = (error: SdkError): boolean => error.$fault !== undefined

/** The answer could not be parsed: the error's message quotes it, and with it perhaps a password. */
export const fromParsing = (error: SdkError): boolean => !fromService(error) && error.$response !== undefined

/** Thrown by one of the SDK's providers of AWS credentials, or of the tokens for them. */
export const isProviderError = ({ name }: SdkError): boolean => /^(Credentials|Token)?ProviderError$/.test(name)

/** The HTTP status of the answer; 0 where there is none. What is thrown by others than the SDK may have anything there. */
export const statusOf = ({ $metadata }: SdkError): number => {
  const status = $metadata?.httpStatusCode
  return typeof status === 'number' && Number.isInteger(status) ? status : 0
}

const LONGEST = 1_000

/** An error's message as it may be passed on: neither AWS's canonical strings, which hold session tokens, nor anything like a key. */
export function scrub(error: SdkError): string {
  if (fromParsing(error)) return "AWS's answer could not be parsed."
  // It may hold whatever stood in the answer, and what others throw may hold anything.
  const message: unknown = error.message
  if (typeof message !== 'string') return ''
  // SignatureDoesNotMatch quotes the request's headers, the session token among them, on further lines.
  const [line = ''] = withoutJson(message).split(/\r?\n|The Canonical String|The String-to-Sign/, 1)
  const safe = withoutKeys(withoutQuotes(line.slice(0, LONGEST)))
  return line.length > LONGEST ? `${safe}…` : safe.trim()
}

/** How a message goes on after what happened: with what others said of it, as a sentence. */
export const ending = (said: string): string => (said === '' ? '.' : `: ${said}${/[.!?…]$/.test(said) ? '' : '.'}`)

/** A parser quotes up to 40 characters, with the ends of lines among them. */
const withoutJson = (text: string): string =>
  text
    .slice(0, 2 * LONGEST)
    .replace(
      /(?:\b(?:Unexpected|Expected|Bad|Unterminated|Invalid)\b|").*(?:\bin JSON\b|is not valid JSON|\bJSON at position\b).*/s,
      'it is not valid JSON',
    )

/** What others quote in their messages may be secret: arguments of a command, the userinfo of a URL, an object. */
const withoutQuotes = (text: string): string =>
  printable(text)
    .replace(/Command failed: .*/, 'The command failed.')
    .replace(/[[{]\s*["'[{].*|\{\s*\w+\s*:.*/, '{…}')
    // A password may hold any character that a URL should escape.
    .replace(/(\b[a-z][\w+.-]*:\/\/|(?<![:/])\/\/)[^\s"'<>]*@/gi, '$1…@')

const withoutKeys = (text: string): string =>
  text
    .replace(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g, '<access key>')
    // A JWT begins with {" in base64.
    .replace(/\beyJ[\w-]+(?:\.[\w-]*)*/g, '<token>')
    // A secret key has 40 characters, and now and then no digit. An ARN says who was refused what: its parts look like keys, and are none.
    .replace(/\barn:aws[\w:/.@*+=,-]*|[A-Za-z0-9+/=_-]{40,}/g, run =>
      !run.startsWith('arn:') && /[a-z]/.test(run) && /[A-Z]/.test(run) && (run.length === 40 || /\d/.test(run))
        ? '<secret>'
        : run,
    )

/** A name or code as it may be passed on: a broken answer, or a provider of credentials, may put anything there. */
export const identifierOf = (text: unknown): string | undefined =>
  typeof text === 'string' && /^[A-Za-z][\w.]{0,63}$/.test(text) && withoutKeys(text) === text ? text : undefined

const FRAME = /^\s+at .*(?::\d+:\d+|<anonymous>|native)\)?$/

function stackOf(error: Error): string {
  try {
    // With an `Error.prepareStackTrace` of the program's own, it is no text.
    const stack: unknown = error.stack
    return typeof stack === 'string' ? stack : ''
  } catch {
    // With source maps, Node makes the name a text only now.
    return ''
  }
}

/** A copy of an SDK error for `cause`: the original's hidden `$response` holds session tokens, and a broken answer's body. */
export function copyCause(error: SdkError): Error {
  const copy = new Error(scrub(error))
  copy.name = identifierOf(error.name) ?? 'Error'
  const frames = stackOf(error)
    .split('\n')
    .filter(line => FRAME.test(line))
  copy.stack = [`${copy.name}: ${copy.message}`, ...frames].join('\n')
  const { code, $fault, $metadata } = error
  for (const [name, value] of Object.entries({ code: identifierOf(code), $fault, $metadata }))
    if (value !== undefined) Object.defineProperty(copy, name, { value, enumerable: true })
  return copy
}
