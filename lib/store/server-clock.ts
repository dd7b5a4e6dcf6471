import type { Clock } from '../clock.js'

/**
 * Estimates DynamoDB's clock from its last response. The estimate is never ahead. It is at most a second plus the response's travel time
 * behind, or more if the machine was suspended since. This host's wall clock is not used.
 */
export class ServerClock {
  readonly #clock: Clock
  /** How far DynamoDB's clock is ahead of the monotonic clock. */
  #offset: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  update(date: number | undefined): void {
    if (date !== undefined) this.#offset = date - this.#clock.now().monotonic
  }

  get isKnown(): boolean {
    return this.#offset !== undefined
  }

  now(): number {
    if (this.#offset === undefined) return this.unknown()
    return Math.floor(this.#offset + this.#clock.now().monotonic)
  }

  unknown(): never {
    throw Object.assign(new Error('DynamoDB responded without Date.'), { code: 'NO_DATE' })
  }
}
