import { isNativeError } from 'node:util/types'

/** The headers of a response, with names in lower case. */
export type ResponseHeaders = Readonly<Record<string, string | undefined>>

type Handler = (args: object) => Promise<{ response?: unknown }>
type Middleware = (next: Handler) => Handler

/** The part of an SDK command's middleware stack that is used here. The SDK's own type would need the input's type. */
interface MiddlewareStack {
  add(middleware: Middleware, options: object): void
}

/** Callbacks for each attempt of a command. */
export interface Observer {
  /** Called before the SDK determines region and endpoint and loads AWS credentials. A rejection ends the call. */
  beginning?(): Promise<void>
  sending?(): void
  received(headers: ResponseHeaders): void
  /** Called before the SDK decides whether to retry. */
  failed?(error: unknown): void
}

/**
 * Watches each attempt of a command. It adds middleware to the command rather than the client, which may belong to the user. A command
 * without a middleware stack, as in a mock, is not watched.
 */
export function observe(command: object, observer: Observer): void {
  const stack = 'middlewareStack' in command ? (command.middlewareStack as MiddlewareStack) : undefined
  const start: Middleware = next => async args => {
    await observer.beginning?.()
    return next(args)
  }
  // `low` runs next to the wire and sees the raw response. `high` runs around the parser and sees what it throws.
  const wire: Middleware = next => async args => {
    observer.sending?.()
    const result = await next(args)
    observer.received(headersOf(result.response))
    return result
  }
  const parser: Middleware = next => async args => {
    try {
      return await next(args)
    } catch (error) {
      observer.failed?.(error)
      throw ofThisRealm(error)
    }
  }
  stack?.add(start, { step: 'initialize', priority: 'high', name: 'redshiftStart' })
  stack?.add(wire, { step: 'deserialize', priority: 'low', name: 'redshiftWire' })
  stack?.add(parser, { step: 'deserialize', priority: 'high', name: 'redshiftParser' })
}

/**
 * Under Jest, Node's errors come from another realm. The SDK does not recognize them as errors, so it would neither retry them nor keep
 * their code.
 */
function ofThisRealm(thrown: unknown): unknown {
  if (thrown instanceof Error || !isNativeError(thrown)) return thrown
  const { message, stack }: Error = thrown
  return Object.assign(new Error(message), thrown, { stack })
}

const headersOf = (response: unknown): ResponseHeaders => {
  const headers = (response as { headers?: unknown } | undefined)?.headers
  return typeof headers === 'object' && headers !== null ? (headers as Record<string, string>) : {}
}

/** An IMF-fixdate, as in `Sun, 06 Nov 1994 08:49:37 GMT`. RFC 9110, section 5.6.7. */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/**
 * The header `Date`; undefined if a cache has stored the response, or if it has another form, which `Date.parse` might read in the
 * host's time zone. RFC 9110, section 6.6.1; RFC 9111, section 5.1.
 */
export function serverTimeOf({ age, date = '' }: ResponseHeaders): number | undefined {
  if (age !== undefined || !IMF_FIXDATE.test(date)) return undefined
  const time = Date.parse(date)
  return Number.isFinite(time) ? time : undefined
}

/** The header `Retry-After`, which is a number of seconds or a date, in milliseconds. RFC 9110, section 10.2.3. */
export function retryAfterOf(headers: ResponseHeaders, now: number): number | undefined {
  const value = headers['retry-after']
  if (value === undefined) return undefined
  const millis = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return millis > 0 && Number.isFinite(millis) ? millis : undefined
}
