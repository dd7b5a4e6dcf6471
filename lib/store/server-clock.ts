// Not the global, which is an accessor.
import { performance } from 'node:perf_hooks'

/**
 * DynamoDB's clock, as its last response told it: never ahead of the truth, and less than a second behind, plus the time that the
 * response took. This process's own wall clock plays no part.
 */
export class ServerClock {
  #offset: number | undefined

  heard(date: number | undefined): void {
    if (date !== undefined) this.#offset = date - performance.now()
  }

  get isKnown(): boolean {
    return this.#offset !== undefined
  }

  now(): number {
    if (this.#offset === undefined)
      throw Object.assign(new Error('DynamoDB responded without Date.'), { code: 'NO_DATE' })
    return Math.floor(this.#offset + performance.now())
  }
}
