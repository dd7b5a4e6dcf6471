import { expect } from 'chai'
import pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, redshiftPassword } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { phaseReached, refreshesSince } from '../support/phase.js'

const THOUSAND = Array.from({ length: 1_000 })

describe('a thousand concurrent callers', () => {
  let emulator: RedshiftEmulator
  let credentials: RedshiftCredentials

  const start = async (lifetimeSeconds: number): Promise<void> => {
    emulator = await startEmulator({ lifetimeSeconds })
    credentials = new RedshiftCredentials({ aws: emulator.aws })
  }
  afterEach(async () => {
    await credentials.close()
    await emulator.close()
  })

  /** A busy machine may need longer than half of a lifetime for a thousand TLS logins. */
  const expectOneCallPerLogin = (begin: number, lifetimeSeconds: number): void => {
    expect(emulator.calls).to.have.length.within(1, 1 + refreshesSince(begin, lifetimeSeconds))
  }

  it('of get() cause one API call, at the start and at a refresh, and get the same login', async () => {
    await start(16)
    const connection = { ...emulator.poolConfig(), user: 'IAM:alice' }
    const getAll = () => Promise.all(THOUSAND.map(() => credentials.get(connection)))
    const cold = new Set(await getAll())
    expect(cold.size).to.equal(1)
    expect(emulator.calls).to.have.length(1)

    await phaseReached(credentials, 'stale')
    const refresh = emulator.fail({ kind: 'hold' })
    const stale = new Set(await getAll())
    expect(stale, 'no caller waited for the delayed response').to.deep.equal(cold)
    await refresh.reached()
    await getAll()
    refresh.clear()
    await phaseReached(credentials, 'fresh')
    const refreshed = new Set(await getAll())
    expect(refreshed.size).to.equal(1)
    expect([...refreshed][0]).not.to.equal([...cold][0])
    expect(emulator.calls).to.have.length(2)
  })

  it('of a pool of 200 cause one API call, at the start and at a refresh', async () => {
    const lifetimeSeconds = 60
    await start(lifetimeSeconds)
    const begin = Date.now()
    const pool = new pg.Pool({
      ...emulator.poolConfig(),
      user: 'IAM:alice',
      password: redshiftPassword(credentials),
      max: 200,
      // Each checkout opens a new connection.
      maxUses: 1,
    })
    const connectAll = () =>
      Promise.all(
        THOUSAND.map(async () => {
          const client = await pool.connect()
          client.release()
        }),
      )
    await connectAll()
    expectOneCallPerLogin(begin, lifetimeSeconds)

    await phaseReached(credentials, 'stale')
    const refresh = emulator.fail({ kind: 'hold' })
    await Promise.all([connectAll(), refresh.reached().then(() => refresh.clear())])
    await phaseReached(credentials, 'fresh')
    expect(emulator.calls).to.have.length.of.at.least(2)
    expectOneCallPerLogin(begin, lifetimeSeconds)
    expect(emulator.logins).to.have.length(2_000)
    expect(emulator.logins.every(login => login.ok)).to.equal(true)
    await pool.end()
  })
})
