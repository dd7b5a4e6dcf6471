import { setTimeout as sleep } from 'node:timers/promises'
import { startRedshiftEmulator } from 'pg-redshift-iam/emulator'
import type { Engine } from '../spec/support/engines.js'
import { ProcessFleet } from '../spec/support/processes.js'
import { UnreliableProxy } from '../spec/support/unreliable.js'
import type { Random } from './random.js'

const PROCESSES = 4

/** The results of a fleet. */
export interface FleetResult {
  readonly connections: number
  readonly asked: number
  readonly calls: number
  /** Logins that a process read from the store. */
  readonly hits: number
  /** Fetches that called AWS because the store failed. */
  readonly direct: number
  /** The number of faults of the store and of the connection to it. */
  readonly faults: Readonly<Record<string, number>>
  /** The number of failures by error. AWS and the server do not fail, so no failure is excused. */
  readonly failures: Readonly<Record<string, number>>
}

const total = (counts: readonly Readonly<Record<string, number>>[]): Record<string, number> => {
  const sums: Record<string, number> = {}
  for (const [name, count] of counts.flatMap(Object.entries)) sums[name] = (sums[name] ?? 0) + count
  return sums
}

/**
 * Starts processes that share their logins through a store that is slow, drops connections, garbles values, hangs and is killed. The
 * returned function runs the soak.
 */
export async function startFleet(
  engine: Engine,
  random: Random,
  lifetimeSeconds: number,
): Promise<(millis: number) => Promise<FleetResult>> {
  const emulator = await startRedshiftEmulator({
    lifetimeSeconds,
    postgres: process.env.REDSHIFT_EMULATOR_POSTGRES,
  })
  const server = await engine.start()
  const proxy = await UnreliableProxy.start(server.port, () => random.draw())
  const store = { url: engine.urlAt(proxy.port), clients: engine.clients }
  const fleet = await ProcessFleet.start({ size: PROCESSES, emulator, store, connectMillis: 500 })
  return async millis => {
    let deaths = 0
    try {
      const end = Date.now() + millis
      proxy.unreliable = true
      await fleet.order({ kind: 'work' })
      for (;;) {
        await sleep(Math.min(random.between(3_000, 8_000), Math.max(0, end - Date.now())))
        if (Date.now() >= end) break
        await server.kill()
        deaths++
        await sleep(random.between(0, 2_000))
        await server.restart()
      }
      const reports = await fleet.order({ kind: 'report' })
      const events = Object.entries(total(reports.map(report => report.events)))
      const count = (kind: string): number =>
        events.reduce((sum, [event, times]) => sum + (event.startsWith(kind) ? times : 0), 0)
      return {
        connections: reports.reduce((sum, { connections }) => sum + connections, 0),
        asked: reports.reduce((sum, { asked }) => sum + asked, 0),
        calls: emulator.calls.length,
        hits: count('hit'),
        direct: count('direct'),
        faults: { ...proxy.faults, killed: deaths },
        failures: total([
          ...reports.map(report => report.failures),
          ...fleet.members.filter(({ alive }) => !alive).map(() => ({ 'A process has exited.': 1 })),
        ]),
      }
    } finally {
      await fleet.kill()
      await Promise.all([proxy.close(), server.kill(), emulator.close()])
    }
  }
}
