// Not the global, which is an accessor: every connection reads the clock.
import { performance } from 'node:perf_hooks'
import { ours, type RedshiftCredentialsError } from './errors.js'
import { elapsed, type Instant } from './lease.js'

/** The clocks and the timer, as one seam: a model test brings its own. */
export interface Clock {
  now(): Instant
  setTimeout(callback: () => void, millis: number): Timer
}

/** Keeps the process alive after `ref()`, does not after `unref()`. */
export interface Timer {
  ref(): void
  unref(): void
  cancel(): void
}

export const systemClock: Clock = {
  now: () => ({ wall: Date.now(), monotonic: performance.now() }),
  setTimeout(callback, millis) {
    const timer = setTimeout(callback, millis)
    return { ref: () => timer.ref(), unref: () => timer.unref(), cancel: () => clearTimeout(timer) }
  },
}

/** How a flight ended. */
export type Outcome<T> = { readonly value: T } | { readonly error: RedshiftCredentialsError }

/**
 * One fetch with a deadline, shared by all who wait for it. It outlives each of them: who aborts detaches itself only.
 * After it has settled, by answer, failure, deadline or `abandon`, whatever comes later is dropped.
 */
export class Flight<T, Answer = T> {
  readonly #controller = new AbortController()
  readonly #clock: Clock
  readonly #start: Instant
  readonly #deadlineMillis: number
  readonly #timer: Timer
  readonly #settled: Promise<Outcome<T>>
  #settle: (outcome: Outcome<Answer>) => void = () => {}
  #waiting = 0

  /**
   * @param run starts the fetch. Its promise is awaited no longer than the deadline.
   * @param land is called once, synchronously at the end, and says what the waiting get.
   */
  constructor(
    clock: Clock,
    deadlineMillis: number,
    run: (signal: AbortSignal) => Promise<Answer>,
    timedOut: () => RedshiftCredentialsError,
    land: (outcome: Outcome<Answer>) => Outcome<T>,
  ) {
    this.#clock = clock
    this.#start = clock.now()
    this.#deadlineMillis = deadlineMillis
    this.#settled = new Promise(resolve => {
      let landed = false
      this.#settle = outcome => {
        if (landed) return
        landed = true
        this.#timer.cancel()
        resolve(land(outcome))
      }
    })
    this.#timer = clock.setTimeout(() => this.abandon(timedOut()), deadlineMillis)
    this.#timer.unref()
    run(this.#controller.signal).then(
      value => this.#settle({ value }),
      error => this.#settle({ error: ours(error) }),
    )
  }

  /**
   * Nobody waits for it, and it should have ended by now: the machine was suspended meanwhile, and its connection is most
   * likely dead. The timer does not see that, since the monotonic clock may have stood still.
   */
  get isForsaken(): boolean {
    return this.#waiting === 0 && elapsed(this.#start, this.#clock.now()) > this.#deadlineMillis
  }

  /** Ends it with this error, and aborts what is under way. */
  abandon(error: RedshiftCredentialsError): void {
    this.#settle({ error })
    this.#controller.abort()
  }

  /**
   * Waits for the end. The deadline keeps the process alive meanwhile: else a hung fetch would let it exit unsettled.
   * Rejects with an error of the caller's own, or with the signal's reason.
   */
  wait(signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      let left = false
      const leave = (): boolean => {
        if (left) return false
        left = true
        detach?.()
        if (--this.#waiting === 0) this.#timer.unref()
        return true
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
 * Calls back when the signal aborts, until the function that it returns is called. One listener serves all who share a
 * signal: from the eleventh on, Node warns of a leak.
 */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
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
