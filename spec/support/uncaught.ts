import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'

// A set, because mocha emits each event a second time.
const reasons = new Set<unknown>()
const note = (reason: unknown): void => void reasons.add(reason)

/** Fail each spec that causes an unhandled rejection. Mocha itself ignores them, and fails a spec only for uncaught exceptions. */
export const mochaHooks = {
  beforeAll(): void {
    process.on('unhandledRejection', note)
  },
  async afterEach(): Promise<void> {
    // Node reports an unhandled rejection at the end of the turn.
    await turn()
    await turn()
    const unhandled = [...reasons]
    reasons.clear()
    expect(unhandled, 'unhandled rejections').to.deep.equal([])
  },
  afterAll(): void {
    process.off('unhandledRejection', note)
  },
}
