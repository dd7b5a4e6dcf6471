import type { Entry } from './cache-entry.js'
import type { Clock } from './clock.js'
import { RedshiftCredentialsError } from './errors.js'
import { type Fetch, FetchContext, type FetchedLogin, timeoutError } from './fetch-context.js'
import { Flight, type Outcome } from './flight.js'
import { type RedshiftLogin, samePair } from './login.js'
import { type CredentialRequest, targetOf } from './request.js'
import { FetchTrace } from './tracing.js'

export interface FlightsOptions {
  readonly clock: Clock
  readonly fetch: Fetch
  readonly fetchTimeoutMillis: number
  /** Called when another login has replaced one that the server refused. */
  readonly replaced?: ((request: CredentialRequest, login: RedshiftLogin) => void) | undefined
}

/** A fetch of a login, shared by the callers who wait for it. */
export interface EntryFlight {
  readonly entry: Entry
  readonly flight: Flight<RedshiftLogin, FetchedLogin>
  /** Whether a usable login existed when the fetch started. */
  readonly background: boolean
}

/** The fetches in progress: at most one for each key. */
export class Flights {
  readonly #options: FlightsOptions
  readonly #byKey = new Map<string, EntryFlight>()
  readonly #landed: (entry: Entry, outcome: Outcome<RedshiftLogin>) => void

  /** @param landed called when a fetch has ended and its entry has its outcome */
  constructor(options: FlightsOptions, landed: (entry: Entry, outcome: Outcome<RedshiftLogin>) => void) {
    this.#options = options
    this.#landed = landed
  }

  get(key: string): EntryFlight | undefined {
    return this.#byKey.get(key)
  }

  /**
   * Starts the fetch of an entry that has none in progress.
   * @param maxMillis the time limit, if it is shorter than `fetchTimeoutMillis`
   * @param background whether there is a usable login meanwhile
   */
  launch(entry: Entry, maxMillis: number, background: boolean): EntryFlight {
    const { clock, fetch, fetchTimeoutMillis } = this.#options
    const { key, request } = entry
    const deadlineMillis = Math.min(fetchTimeoutMillis, maxMillis)
    const trace = new FetchTrace(clock, request, background)
    const context = new FetchContext(deadlineMillis, () => entry.current())
    const flight = new Flight<RedshiftLogin, FetchedLogin>({
      clock,
      context,
      run: async () => {
        const fetched = await fetch(request, context)
        return entry.expiredInTransit(fetched, clock.now()) ? fetch(request, context) : fetched
      },
      timeoutError: millis => timeoutError(request, millis),
      explain: () => context.deadlineError(),
      land: outcome => {
        this.#byKey.delete(key)
        const before = entry.login()
        const landed = this.#record(entry, outcome, context.retryAfter, background)
        this.#landed(entry, landed)
        const login = entry.login()
        trace.end(() => ({
          outcome: 'error' in landed ? 'failed' : landed.value !== before ? 'fetched' : 'unchanged',
          loginUser: login?.user || undefined,
          expiration: login && new Date(login.expiresAt()),
          error: 'error' in landed ? landed.error.copy() : undefined,
          pauseMillis: Math.round(entry.pause(clock.now())),
        }))
        return landed
      },
    })
    const started = { entry, flight, background }
    this.#byKey.set(key, started)
    trace.start()
    return started
  }

  /** Ends a flight that was lost while the machine was suspended. */
  abandonOverdue({ key, request }: Entry): void {
    const { flight } = this.#byKey.get(key) ?? {}
    if (flight?.isOverdue) flight.abandon(overdueError(request))
  }

  /** Ends all flights with this error. */
  abandonAll(error: () => RedshiftCredentialsError): void {
    for (const { flight } of [...this.#byKey.values()]) flight.abandon(error())
  }

  /** Has an entry adopt the login of a fetch, or remember the failure. */
  #record(
    entry: Entry,
    outcome: Outcome<FetchedLogin>,
    retryAfter: number | undefined,
    background: boolean,
  ): Outcome<RedshiftLogin> {
    const { clock, replaced } = this.#options
    const now = clock.now()
    const before = entry.current()
    const landed = 'value' in outcome ? entry.accept(outcome.value, now) : outcome
    if ('error' in landed) entry.fail(landed.error, retryAfter, now, background)
    else if (before?.doubtedSince && !samePair(before.login, landed.value)) replaced?.(entry.request, before.login)
    entry.refusals.settle()
    return landed
  }
}

const overdueError = (request: CredentialRequest): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    `${request.api} for ${JSON.stringify(targetOf(request))} was in progress when this process was suspended. It is retried.`,
  )
