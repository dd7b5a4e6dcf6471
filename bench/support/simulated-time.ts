import type { Clock, Instant, Timer } from '../../lib/clock.js'

interface Event {
  readonly at: number
  readonly run: () => void
  cancelled: boolean
}

const EPOCH = Date.parse('2026-03-01T12:00:00Z')

/** Waits until the callbacks of all settled promises have run. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A clock that jumps from event to event, fast enough for hundreds of thousands of them. */
export class SimulatedTime implements Clock {
  #millis = 0
  // A binary heap with the next event first.
  readonly #events: Event[] = []

  /** Milliseconds since the beginning. */
  get millis(): number {
    return this.#millis
  }

  /** `Date.now()` */
  get wall(): number {
    return EPOCH + this.#millis
  }

  now(): Instant {
    return { wall: this.wall, monotonic: this.#millis }
  }

  setTimeout(callback: () => void, millis: number): Timer {
    const event = { at: this.#millis + Math.max(0, millis), run: callback, cancelled: false }
    this.#push(event)
    const cancel = (): void => {
      event.cancelled = true
    }
    return { ref: () => {}, unref: () => {}, cancel }
  }

  turn(callback: () => void): void {
    callback()
  }

  /** Runs something at this time, in milliseconds since the beginning. */
  at(millis: number, run: () => void): void {
    this.#push({ at: millis, run, cancelled: false })
  }

  sleep(millis: number): Promise<void> {
    return new Promise(resolve => this.at(this.#millis + millis, resolve))
  }

  /** Advances the time, event by event. */
  async advanceTo(millis: number): Promise<void> {
    for (let next = this.#events[0]; next && next.at <= millis; next = this.#events[0]) {
      this.#pop()
      if (next.cancelled) continue
      this.#millis = next.at
      next.run()
      await settle()
    }
    this.#millis = millis
  }

  #push(event: Event): void {
    const events = this.#events
    let index = events.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#time(parent) <= event.at) break
      this.#swap(index, parent)
      index = parent
    }
  }

  #pop(): void {
    const events = this.#events
    this.#swap(0, events.length - 1)
    events.pop()
    for (let index = 0; ; ) {
      const [left, right] = [2 * index + 1, 2 * index + 2]
      const child = this.#time(right) < this.#time(left) ? right : left
      if (this.#time(child) >= this.#time(index)) return
      this.#swap(index, child)
      index = child
    }
  }

  #time(index: number): number {
    return this.#events[index]?.at ?? Number.POSITIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#events[a], this.#events[b]]
    if (!first || !second) return
    this.#events[a] = second
    this.#events[b] = first
  }
}
