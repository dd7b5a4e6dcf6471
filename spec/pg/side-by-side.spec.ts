import { expect } from 'chai'
import { RedshiftCredentials } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { runExample } from '../support/example.js'
import { figure } from '../support/figure.js'
import { refreshesSince } from '../support/phase.js'

describe('With the same user,', () => {
  for (const [sides, what] of [
    ['threads', 'worker threads'],
    ['cluster', 'workers of node:cluster'],
  ] as const)
    it(`${what} each fetch and rotate their own login`, async () => {
      const lifetimeSeconds = 8
      const emulator = await startEmulator({ lifetimeSeconds })
      const startedAt = Date.now()
      try {
        const env = { SIDES: sides }
        const { code, stdout, stderr } = await runExample('spec/programs/side-by-side.ts', emulator, { env })
        expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
        expect(JSON.parse(stdout)).to.deep.equal(Array(3).fill({ users: ['IAM:alice'], rotated: true }))
        expect(emulator.logins.filter(({ ok }) => !ok)).to.deep.equal([])
        expect(emulator.logins).to.have.length(3 * 3 * 20)
        expect(emulator.calls).to.have.length.within(3 * 2, 3 * (1 + refreshesSince(startedAt, lifetimeSeconds)))
        figure(
          `3 sides (${what}), ${emulator.logins.length} connections through a rotation: 0 failed, ${emulator.calls.length} API calls`,
        )
      } finally {
        await emulator.close()
      }
    })

  it('neither credentials nor a login carry their secrets to another thread', async () => {
    const emulator = await startEmulator()
    const { host, database } = emulator.poolConfig()
    const credentials = new RedshiftCredentials({ aws: emulator.aws })
    const login = await credentials.get({ host, database, user: 'IAM:alice' })
    expect(structuredClone(login)).to.deep.include({ user: 'IAM:alice' }).and.not.have.property('password')
    // Only the mark by which a copy is recognized and refused.
    expect(structuredClone(credentials)).to.deep.equal({ 'pg-redshift-iam': true })
    await credentials.close()
    await emulator.close()
  })
})
