import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import type { EmulatedCall, RedshiftEmulator } from '../../lib/emulator/index.js'
import { startEmulator } from '../support/emulator.js'
import { engines, type StoreServer } from '../support/engines.js'
import type { FleetReport } from '../support/fleet-process.js'
import { ProcessFleet } from '../support/processes.js'
import { needsRedis } from '../support/redis.js'
import { UnreliableProxy } from '../support/unreliable.js'
import { until } from '../support/until.js'

// On a very busy machine, where the store is slow to respond, a process calls AWS by itself, and publishes that.
const FORCED = /^direct|^failed write/

const sum = (reports: readonly FleetReport[], pattern: RegExp): number =>
  reports
    .flatMap(({ events }) => Object.entries(events))
    .reduce((total, [event, times]) => total + (pattern.test(event) ? times : 0), 0)

for (const engine of engines)
  describe(`a fleet of twenty processes that share their logins through ${engine.name}`, () => {
    const lifetimeSeconds = 6 + engine.coarsenessMillis / 500
    // A refresh starts after half of a lifetime at the earliest. Date's whole seconds and the latency of the store may use up some of that.
    const earliestMillis = ((lifetimeSeconds - 2) / 2) * 1_000 - engine.coarsenessMillis

    let server: StoreServer
    let proxy: UnreliableProxy
    let emulator: RedshiftEmulator
    let fleet: ProcessFleet

    before(async function () {
      if (!engine.isInstalled) needsRedis(this)
      server = await engine.start()
      proxy = await UnreliableProxy.start(server.port)
      emulator = await startEmulator({ lifetimeSeconds, databases: ['dev', 'sales'] })
      const store = { url: engine.urlAt(proxy.port), clients: engine.clients }
      // One of them is killed.
      fleet = await ProcessFleet.start({ size: 21, emulator, store, askMillis: 100, connectMillis: 2_000 })
    })
    after(async () => {
      await fleet?.kill()
      await Promise.all([emulator?.close(), proxy?.close(), server?.kill()])
    })
    beforeEach(() => {
      emulator.calls.length = 0
    })
    afterEach(async () => {
      const reports = await fleet.order({ kind: 'report' })
      expect(reports.map(({ failures }) => failures)).to.deep.equal(reports.map(() => ({})))
      expect(emulator.logins.filter(({ ok }) => !ok)).to.deep.equal([])
    })

    it('makes one more call if the process that fetches for all is killed', async () => {
      const fetching = emulator.fail({ kind: 'hold' }, { times: 1 })
      const all = fleet.members.map(member => ({ member, done: member.order({ kind: 'fetch', database: 'sales' }) }))
      await fetching.reached()
      const owner = all.find(({ member }) => member.accessKeyId === emulator.calls[0]?.accessKeyId)
      owner?.done.catch(() => {})
      await owner?.member.kill()
      const reports = await Promise.all(all.filter(one => one !== owner).map(({ done }) => done))
      fetching.clear()
      expect(reports.map(({ asked }) => asked)).to.deep.equal(Array(20).fill(1))
      expect(emulator.calls.length - sum(reports, FORCED)).to.equal(2)
    })

    it('calls AWS once, and then once per lifetime, over five rotations', async () => {
      const before = await fleet.order({ kind: 'work' })
      // At most one call of a lifetime is the refresh. Forced calls may come between two refreshes.
      const refreshes = (calls: readonly EmulatedCall[]): number => {
        let [count, last] = [0, 0]
        for (const { at } of calls) if (at - last > earliestMillis) [count, last] = [count + 1, at]
        return count
      }
      await until('there were five rotations', () => refreshes(emulator.calls) > 5)
      const calls = [...emulator.calls]
      const { length } = emulator.logins
      await until('all log in once more', () => emulator.logins.length >= length + 20)
      const reports = await fleet.order({ kind: 'report' })
      const forced = sum(reports, FORCED) - sum(before, FORCED)
      expect(calls.length - refreshes(calls), 'calls beside those').to.be.at.most(forced)
      expect(sum(reports, /^hit/) - sum(before, /^hit/)).to.be.at.least(5)
    })

    it('loses no login while the store is killed, is down for a lifetime, and comes back empty', async () => {
      await server.kill()
      await until('each fetches by itself', () => new Set(emulator.calls.map(call => call.accessKeyId)).size === 20)
      const before = await fleet.order({ kind: 'report' })
      await server.restart()
      const hits = async () => {
        await delay(200)
        return sum(await fleet.order({ kind: 'report' }), /^hit/) - sum(before, /^hit/)
      }
      await until('they share again', async () => (await hits()) >= 20)
    })

    it('loses no login while the connection to the store is slow, stalls, breaks and corrupts data', async () => {
      proxy.unreliable = true
      const { faults } = proxy
      const { length } = emulator.logins
      await until(
        'every kind of fault has happened',
        () => faults.reset >= 5 && faults.stalled >= 5 && faults.garbled >= 2 && emulator.logins.length - length >= 100,
      )
      proxy.unreliable = false
      const reports = await fleet.order({ kind: 'report' })
      expect(sum(reports, /^direct/)).to.be.above(0)
    })
  })
