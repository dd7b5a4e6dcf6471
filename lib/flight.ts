import { type Clock, elapsed, type Instant, type Timer } from './clock.js'
import { type RedshiftCredentialsError, toRedshiftCredentialsError } from './errors.js'
import type { FetchContext } from './fetch-context.js'

/** Turns of the event loop between a deadline and its error. A received response needs them to pass through TLS, HTTP and the SDK. */
const TURNS = 10
/** How long `explain` may take after the deadline. */
const EXPLANATION_MILLIS = 1_000

/** A caller's own time limit has passed. The flight continues. */
class WaitTimeout extends Error {}

/** How a flight ended. */
export type Outcome<T> = { readonly value: T } | { readonly error: RedshiftCredentialsError }

export interface FlightOptions<T, Fetched = T> {
  readonly clock: Clock
  /** The context of the fetch: its time limit, and the signal that aborts it when the flight ends first. */
  readonly context: FetchContext
  /** Starts the fetch. Its promise is awaited until the deadline. */
  readonly run: () => Promise<Fetched>
  /** Creates the error that callers get at the deadline, unless `explain` has a better one. */
  readonly timeoutError: (millis: number) => RedshiftCredentialsError
  /** Finds out at the deadline what the fetch is waiting for. It has one second to resolve. */
  readonly explain?: (() => Promise<RedshiftCredentialsError | undefined>) | undefined
  /** Called once, synchronously when the fetch ends. Its result is what the waiting callers get. */
  readonly land: (outcome: Outcome<Fetched>) => Outcome<T>
}

/**
 * One fetch with a deadline, shared by all callers who wait for it. Aborting a caller's signal detaches only that caller; the fetch
 * continues. It settles once: by its response, a failure, its deadline or `abandon`. Later results are ignored.
 */
export class Flight<T, Fetched = T> {
  readonly #options: FlightOptions<T, Fetched>
  readonly #clock: Clock
  readonly #start: Instant
  #deadlineMillis: number
  #timer: Timer
  readonly #settled: Promise<Outcome<T>>
  #settle: (outcome: Outcome<Fetched>) => void = () => {}
  #waiting = 0
  #landed = false

  constructor(options: FlightOptions<T, Fetched>) {
    const { clock, context, run, land } = options
    this.#options = options
    this.#clock = clock
    this.#start = clock.now()
    this.#deadlineMillis = context.deadlineMillis
    this.#settled = new Promise(resolve => {
      this.#settle = outcome => {
        if (this.#landed) return
        this.#landed = true
        this.#timer.cancel()
        resolve(land(outcome))
      }
    })
    this.#timer = this.#arm(context.deadlineMillis)
    run().then(
      value => this.#settle({ value }),
      error => this.#settle({ error: toRedshiftCredentialsError(error) }),
    )
  }

  /**
   * Whether the deadline has passed and no caller waits: the machine was suspended, and the connection is probably dead. The timer has
   * not fired, because the monotonic clock may stop while a machine is suspended.
   */
  get isOverdue(): boolean {
    return this.#waiting === 0 && elapsed(this.#start, this.#clock.now()) > this.#deadlineMillis
  }

  /** Moves the deadline to this many milliseconds from now, if that is earlier. */
  limit(millis: number): void {
    const age = this.#clock.now().monotonic - this.#start.monotonic
    if (age + millis >= this.#deadlineMillis) return
    this.#timer.cancel()
    this.#deadlineMillis = age + millis
    this.#timer = this.#arm(millis)
  }

  #arm(millis: number, callback = () => this.#expire(TURNS)): Timer {
    const timer = this.#clock.setTimeout(callback, millis)
    if (this.#waiting === 0) timer.unref()
    return timer
  }

  /** A response may have arrived while the event loop was blocked, so let it be read first. */
  #expire(turns: number): void {
    if (this.#landed) return
    if (turns > 0) this.#clock.turn(() => this.#expire(turns - 1))
    else this.#timeOut()
  }

  /** The fetch is aborted only after the error is known, because it would then fail with another one. */
  #timeOut(): void {
    const { timeoutError, explain } = this.#options
    const plain = (): void => this.abandon(timeoutError(this.#deadlineMillis))
    if (!explain) {
      plain()
      return
    }
    // The explanation reads files, and a hanging file system may be what delayed the fetch.
    this.#timer = this.#arm(EXPLANATION_MILLIS, plain)
    explain().then(error => (error ? this.abandon(error) : plain()), plain)
  }

  /** Ends the flight with this error and aborts the fetch. */
  abandon(error: RedshiftCredentialsError): void {
    this.#settle({ error })
    this.#options.context.abort()
  }

  /**
   * Waits for the result. Meanwhile the deadline's timer keeps the process alive; otherwise it could exit during a hanging fetch.
   * Rejects with a new error instance for each caller, or with the signal's reason.
   * @param waitMillis rejects after this many milliseconds
   */
  wait(signal?: AbortSignal, waitMillis?: number): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      let left = false
      let timer: Timer | undefined
      const leave = (): boolean => {
        if (left) return false
        left = true
        detach?.()
        timer?.cancel()
        if (--this.#waiting === 0) this.#timer.unref()
        return true
      }
      if (waitMillis !== undefined) {
        timer = this.#clock.setTimeout(() => leave() && reject(new WaitTimeout()), waitMillis)
        timer.unref()
      }
      const detach = signal && onAbort(signal, () => leave() && reject(signal.reason))
      if (this.#waiting++ === 0) this.#timer.ref()
      this.#settled.then(outcome => {
        if (!leave()) return
        if ('value' in outcome) resolve(outcome.value)
        else reject(outcome.error.copy())
      })
    })
  }
}

interface Watch {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const watches = new WeakMap<AbortSignal, Watch>()

/**
 * Calls back when the signal aborts, and returns a function that cancels this. All callbacks of a signal share one listener, because Node
 * warns of a leak when a signal has more than ten.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let watch = watches.get(signal)
  if (!watch) {
    const callbacks = new Set<() => void>()
    watch = {
      callbacks,
      listener: () => {
        for (const call of [...callbacks]) call()
      },
    }
    watches.set(signal, watch)
    signal.addEventListener('abort', watch.listener)
  }
  const { callbacks, listener } = watch
  callbacks.add(callback)
  return () => {
    callbacks.delete(callback)
    if (callbacks.size > 0) return
    watches.delete(signal)
    signal.removeEventListener('abort', listener)
  }
}
