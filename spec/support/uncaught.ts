import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'

/** Fails each `it` of this `describe` that causes an unhandled rejection or an uncaught exception. */
export function expectNothingUncaught(): void {
  const seen: unknown[] = []
  const note = (reason: unknown): void => void seen.push(reason)
  before(() => {
    process.on('unhandledRejection', note)
    process.on('uncaughtExceptionMonitor', note)
  })
  afterEach(async () => {
    // Node reports an unhandled rejection at the end of the turn.
    await turn()
    await turn()
    expect(seen.splice(0)).to.deep.equal([])
  })
  after(() => {
    process.off('unhandledRejection', note)
    process.off('uncaughtExceptionMonitor', note)
  })
}
