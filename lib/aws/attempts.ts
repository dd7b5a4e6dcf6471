import { isNativeError } from 'node:util/types'

/** The headers of an answer, in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>

type Handler = (args: object) => Promise<{ response?: unknown }>
type Middleware = (next: Handler) => Handler

/** The part of an SDK command's stack that is used here; the SDK's own type wants the input's type as well. */
interface MiddlewareStack {
  add(middleware: Middleware, options: object): void
}

/** What is told of each attempt, as it happens. */
export interface Observer {
  /** Before the SDK begins to find region and endpoint, and to load AWS credentials. A rejection ends the call. */
  beginning?(): Promise<void>
  sending(): void
  answered(headers: AnswerHeaders): void
  failed(error: unknown): void
}

/**
 * Watches each attempt of a command. On the command, not the client: clients may be ready-made, and shared.
 * @returns false where the command has no middleware stack.
 */
export function observe(command: object, observer: Observer): boolean {
  const stack = 'middlewareStack' in command ? (command.middlewareStack as MiddlewareStack) : undefined
  const start: Middleware = next => async args => {
    await observer.beginning?.()
    return next(args)
  }
  // `low` runs next to the wire, and sees the raw answer; `high` runs around the parser, and sees what it throws.
  const wire: Middleware = next => async args => {
    observer.sending()
    const result = await next(args)
    observer.answered(headersOf(result.response))
    return result
  }
  const parser: Middleware = next => async args => {
    try {
      return await next(args)
    } catch (error) {
      observer.failed(error)
      throw ofThisRealm(error)
    }
  }
  stack?.add(start, { step: 'initialize', priority: 'high', name: 'redshiftStart' })
  stack?.add(wire, { step: 'deserialize', priority: 'low', name: 'redshiftWire' })
  stack?.add(parser, { step: 'deserialize', priority: 'high', name: 'redshiftParser' })
  return stack !== undefined
}

/**
 * Under Jest, Node's errors are of another realm. The SDK does not recognize them as errors: it would neither retry them nor keep
 * their code.
 */
function ofThisRealm(thrown: unknown): unknown {
  if (thrown instanceof Error || !isNativeError(thrown)) return thrown
  const { message, stack }: Error = thrown
  return Object.assign(new Error(message), thrown, { stack })
}

const headersOf = (response: unknown): AnswerHeaders => {
  const headers = (response as { headers?: unknown } | undefined)?.headers
  return typeof headers === 'object' && headers !== null ? (headers as Record<string, string>) : {}
}

/** `Date`, unless a cache in between has kept the answer for a while. RFC 9110, section 6.6.1; RFC 9111, section 5.1. */
export function serverTimeOf(headers: AnswerHeaders): number | undefined {
  const time = headers.age === undefined ? Date.parse(headers.date ?? '') : Number.NaN
  return Number.isFinite(time) ? time : undefined
}

/** Retry-After in milliseconds: seconds, or a date. RFC 9110, section 10.2.3. */
export function retryAfterOf(headers: AnswerHeaders, now: number): number | undefined {
  const value = headers['retry-after']
  if (value === undefined) return undefined
  const millis = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return millis > 0 && Number.isFinite(millis) ? millis : undefined
}
