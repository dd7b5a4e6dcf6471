import { seededRandom } from '../spec/support/random.js'

/** Draws that a seed repeats. */
export class Random {
  /** From [0, 1). */
  readonly draw: () => number

  constructor(seed: number) {
    this.draw = seededRandom(seed)
  }

  between(least: number, most: number): number {
    return least + this.draw() * (most - least)
  }

  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1))
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[Math.floor(this.draw() * from.length)] ?? from[0]
  }
}
