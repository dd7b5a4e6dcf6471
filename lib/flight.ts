// Not the global, which is an accessor: every connection reads the clock.
import { performance } from 'node:perf_hooks'
import { ours, type RedshiftCredentialsError } from './errors.js'
import { elapsed, type Instant } from './lease.js'

/** Turns of the event loop between a deadline and its consequence: a response passes through TLS, HTTP and the SDK. */
const TURNS = 10

/** The clocks and the timer, as one seam: a model test brings its own. */
export interface Clock {
  now(): Instant
  setTimeout(callback: () => void, millis: number): Timer
  /** Calls back after one more turn of the event loop, which reads what has come in. */
  turn(callback: () => void): void
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
  turn: callback => void setImmediate(callback),
}

/** A caller's own patience is over. The flight goes on. */
class Impatience extends Error {}

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
  readonly #timedOut: (millis: number) => RedshiftCredentialsError
  #deadlineMillis: number
  #timer: Timer
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
    timedOut: (millis: number) => RedshiftCredentialsError,
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
    this.#timedOut = timedOut
    this.#timer = this.#arm(deadlineMillis)
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

  /** Brings the deadline forward, to so many milliseconds from now. A later one is left as it is. */
  limit(millis: number): void {
    const age = this.#clock.now().monotonic - this.#start.monotonic
    if (age + millis >= this.#deadlineMillis) return
    this.#timer.cancel()
    this.#deadlineMillis = age + millis
    this.#timer = this.#arm(millis)
  }

  #arm(millis: number): Timer {
    const timer = this.#clock.setTimeout(() => this.#expire(TURNS), millis)
    if (this.#waiting === 0) timer.unref()
    return timer
  }

  /** The response may have come in while the event loop was blocked: it is read first. */
  #expire(turns: number): void {
    if (turns > 0) this.#clock.turn(() => this.#expire(turns - 1))
    else this.abandon(this.#timedOut(this.#deadlineMillis))
  }

  /** Ends it with this error, and aborts what is under way. */
  abandon(error: RedshiftCredentialsError): void {
    this.#settle({ error })
    this.#controller.abort()
  }

  /**
   * Waits for the end. The deadline keeps the process alive meanwhile: else a hung fetch would let it exit unsettled.
   * Rejects with an error of the caller's own, or with the signal's reason.
   * @param patience waits no longer than so many milliseconds, then rejects
   */
  wait(signal?: AbortSignal, patience?: number): Promise<T> {
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
      if (patience !== undefined) {
        timer = this.#clock.setTimeout(() => leave() && reject(new Impatience()), patience)
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
