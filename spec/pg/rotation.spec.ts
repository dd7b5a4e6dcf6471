import { expect } from 'chai'
import pg from 'pg'
import type { ActiveFault, Fault, RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, redshiftPassword } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { phaseReached } from '../support/phase.js'

// The deadline of a refresh is half of the remaining lifetime. On a busy machine, the response must be released before that.
const LIFETIME_SECONDS = 10

describe('A pool with logins that live for seconds', () => {
  let emulator: RedshiftEmulator
  let credentials: RedshiftCredentials
  let pool: pg.Pool

  beforeEach(async () => {
    emulator = await startEmulator({ lifetimeSeconds: LIFETIME_SECONDS })
    credentials = new RedshiftCredentials({ aws: emulator.aws })
    pool = new pg.Pool({
      ...emulator.poolConfig(),
      user: 'IAM:alice',
      password: redshiftPassword(credentials),
      maxUses: 1,
    })
  })
  afterEach(async () => {
    await pool.end()
    await credentials.close()
    await emulator.close()
  })

  /** Opens connections one after another until `stop()`. Rejects if a login fails. */
  function keepConnecting(): { stop(): Promise<number> } {
    let stopped = false
    let opened = 0
    const running = (async () => {
      while (!stopped) {
        await pool.query('select 1')
        opened++
        await new Promise(resolve => setTimeout(resolve, 40))
      }
      return opened
    })()
    running.catch(() => {})
    return {
      stop: () => {
        stopped = true
        return running
      },
    }
  }

  it('opens every connection while the response to the refresh is delayed, over ten rotations', async () => {
    const connecting = keepConnecting()
    // Two pools rotate at the same time: ten rotations in the time of five.
    const others = await startEmulator({ lifetimeSeconds: LIFETIME_SECONDS })
    const second = new RedshiftCredentials({ aws: others.aws })
    const client = () => new pg.Client({ ...others.poolConfig(), user: 'IAM:bob', password: redshiftPassword(second) })
    const rotate = async (
      at: RedshiftEmulator,
      of: RedshiftCredentials,
      connect: () => Promise<void>,
    ): Promise<number> => {
      await connect()
      for (let rotation = 1; rotation <= 5; rotation++) {
        const calls = at.calls.length
        const refresh = at.fail({ kind: 'hold' })
        await phaseReached(of, 'stale')
        await connect()
        await refresh.reached()
        // The refresh is pending and its response is held, so this connection must open with the old login.
        await connect()
        expect(at.calls).to.have.length(calls + 1)
        refresh.clear()
        // On a busy machine, the deadline of the refresh may have passed. Then a connection starts another one.
        while (of.status()[0]?.phase !== 'fresh') await connect()
      }
      await connect()
      return new Set(at.logins.map(login => login.serial)).size
    }
    const used = await Promise.all([
      rotate(emulator, credentials, async () => void (await pool.query('select 1'))),
      rotate(others, second, async () => {
        const opened = client()
        await opened.connect()
        await opened.end()
      }),
    ])
    expect(await connecting.stop()).to.be.above(10)
    expect(used, 'logins used').to.deep.equal([6, 6])
    expect([...emulator.logins, ...others.logins].filter(login => !login.ok)).to.deep.equal([])
    await second.close()
    await others.close()
  })

  const outages: Record<string, Fault> = {
    erroring: { kind: 'internal-error' },
    throttled: { kind: 'throttling', retryAfterSeconds: 30 },
    hung: { kind: 'hang' },
  }
  for (const [how, fault] of Object.entries(outages))
    it(`survives an outage of a quarter of the lifetime at the worst moment, with AWS ${how}`, async () => {
      const connecting = keepConnecting()
      while (emulator.logins.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
      await phaseReached(credentials, 'fresh')
      // The first request of the refresh meets the outage.
      const outage: ActiveFault = emulator.fail(fault)
      await outage.reached()
      await new Promise(resolve => setTimeout(resolve, (LIFETIME_SECONDS * 1_000) / 4))
      outage.clear()
      while (emulator.logins.at(-1)?.serial === 1) await new Promise(resolve => setTimeout(resolve, 5))
      expect(await connecting.stop()).to.be.above(10)
      expect(emulator.logins.filter(login => !login.ok)).to.deep.equal([])
    })
})
