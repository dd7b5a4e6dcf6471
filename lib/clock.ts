// Imported rather than the global, which is an accessor and slower: every connection reads the clock.
import { performance } from 'node:perf_hooks'

/**
 * A moment on both clocks. The wall clock includes the time for which the machine was suspended. The monotonic clock stays correct when
 * the wall clock is set back.
 */
export interface Instant {
  /** `Date.now()` */
  readonly wall: number
  /** `performance.now()` */
  readonly monotonic: number
}

/** The time since an instant in milliseconds, by the clock that shows more. */
export const elapsed = (since: Instant, now: Instant): number =>
  Math.max(now.wall - since.wall, now.monotonic - since.monotonic)

/** The clocks and the timer, injected so that tests can control time. */
export interface Clock {
  now(): Instant
  setTimeout(callback: () => void, millis: number): Timer
  /** Calls back after one more turn of the event loop, in which pending input is read. */
  turn(callback: () => void): void
}

/** A timer that keeps the process alive after `ref()` and does not after `unref()`. */
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
