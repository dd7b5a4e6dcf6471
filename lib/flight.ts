import type { RedshiftCredentialsError } from './errors.js'
import type { Instant } from './lease.js'

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

type Outcome<T> = { readonly value: T } | { readonly error: RedshiftCredentialsError }

/**
 * One fetch with a deadline, shared by all who wait for it. It outlives each of them: who aborts detaches itself only.
 * After it has settled, by answer, failure, deadline or `abandon`, whatever comes later is dropped.
 */
export class Flight<T> {
  readonly #controller = new AbortController()
  readonly #timer: Timer
  readonly #settled: Promise<Outcome<T>>
  #settle: (outcome: Outcome<T>) => void = () => {}
  #waiting = 0

  /**
   * @param run starts the fetch. Its promise is awaited no longer than the deadline.
   * @param land is called once, synchronously at the end, and says what the waiting get.
   */
  constructor(
    clock: Clock,
    deadlineMillis: number,
    run: (signal: AbortSignal) => Promise<T>,
    timedOut: () => RedshiftCredentialsError,
    land: (outcome: Outcome<T>) => Outcome<T>,
  ) {
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
      error => this.#settle({ error }),
    )
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
        signal?.removeEventListener('abort', abort)
        if (--this.#waiting === 0) this.#timer.unref()
        return true
      }
      const abort = (): void => {
        if (leave()) reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort)
      if (this.#waiting++ === 0) this.#timer.ref()
      this.#settled.then(outcome => {
        if (!leave()) return
        if ('value' in outcome) resolve(outcome.value)
        else reject(outcome.error.copy())
      })
    })
  }
}
