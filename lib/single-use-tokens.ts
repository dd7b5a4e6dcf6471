import type { Clock } from './clock.js'
import { closedError, RedshiftCredentialsError } from './errors.js'
import { type Fetch, FetchContext, timeoutError } from './fetch-context.js'
import { Flight, onAbort } from './flight.js'
import { RedshiftLogin } from './login.js'
import type { CredentialRequest } from './request.js'
import { FetchTrace } from './tracing.js'

/** Fetches tokens that are valid for one connection. Each call fetches a new one, and nothing is cached. */
export class SingleUseTokens {
  readonly #clock: Clock
  readonly #fetch: Fetch
  readonly #timeoutMillis: number
  readonly #flights = new Set<Flight<RedshiftLogin>>()
  #closed = false

  constructor(clock: Clock, fetch: Fetch, timeoutMillis: number) {
    this.#clock = clock
    this.#fetch = fetch
    this.#timeoutMillis = timeoutMillis
  }

  async get(request: CredentialRequest, signal?: AbortSignal): Promise<RedshiftLogin> {
    if (this.#closed) throw closedError()
    signal?.throwIfAborted()
    const trace = new FetchTrace(this.#clock, request, false)
    const context = new FetchContext(this.#timeoutMillis)
    const flight = new Flight<RedshiftLogin>({
      clock: this.#clock,
      context,
      run: async () => {
        const { user, password, expiration } = await this.#fetch(request, context)
        return new RedshiftLogin(user, password, expiration)
      },
      timeoutError: millis => timeoutError(request, millis),
      explain: () => context.deadlineError(),
      land: outcome => {
        trace.end(() => ({
          outcome: 'value' in outcome ? 'fetched' : 'failed',
          loginUser: undefined,
          expiration: 'value' in outcome ? new Date(outcome.value.expiresAt()) : undefined,
          error: 'error' in outcome ? outcome.error.copy() : undefined,
          pauseMillis: 0,
        }))
        return outcome
      },
    })
    this.#flights.add(flight)
    trace.start()
    // No other caller waits for this flight, so an abort ends it.
    const detach = signal && onAbort(signal, () => flight.abandon(abortedError()))
    try {
      return await flight.wait(signal)
    } finally {
      detach?.()
      this.#flights.delete(flight)
    }
  }

  close(): void {
    this.#closed = true
    for (const flight of this.#flights) flight.abandon(closedError())
  }
}

/** The error that diagnostics messages contain. The caller itself gets the reason of its signal. */
const abortedError = (): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_CLOSED',
    'The caller aborted the request for a single-use token. Request another one for the next connection.',
  )
