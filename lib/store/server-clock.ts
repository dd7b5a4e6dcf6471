// Imported rather than the global, which is an accessor and slower.
import { performance } from 'node:perf_hooks'

/**
 * Estimates DynamoDB's clock from its last response. The estimate is never ahead, and at most a second plus the response's travel time
 * behind. This host's wall clock is not used.
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
    if (this.#offset === undefined) return this.unknown()
    return Math.floor(this.#offset + performance.now())
  }

  unknown(): never {
    throw Object.assign(new Error('DynamoDB responded without Date.'), { code: 'NO_DATE' })
  }
}
