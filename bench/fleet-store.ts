import { setTimeout as delay } from 'node:timers/promises'
import { startRedshiftEmulator } from '../lib/emulator/index.js'
import { type Engine, engines } from '../spec/support/engines.js'
import { ProcessFleet } from '../spec/support/processes.js'
import type { Bench, Figure, Result, Setting } from './bench.js'

const SIZES = [1, 10, 20]
const LIFETIME_SECONDS = 24
const AWS_MILLIS = 200

interface Measured {
  readonly atStart: number
  readonly perLifetime: number
  /** Commands to the store for each API call, including those of processes that wait for or find a login. */
  readonly commandsPerCall: number
  readonly median: number
  readonly slowest: number
  /** Failed attempts to get a login or a connection, on a machine that is too busy to load so many SDKs in time. */
  readonly failed: number
}

/** A fleet that starts at once and works for this many lifetimes. */
async function measure(size: number, engine: Engine | undefined, lifetimes: number): Promise<Measured> {
  await using emulator = await startRedshiftEmulator({ lifetimeSeconds: LIFETIME_SECONDS })
  emulator.fail({ kind: 'latency', millis: AWS_MILLIS })
  // Each fleet starts with an empty store.
  const server = await engine?.start()
  const store = engine && server && { url: engine.urlAt(server.port), clients: engine.clients }
  const fleet = await ProcessFleet.start({ size, emulator, store, connectMillis: 2_000 })
  try {
    let reports = await fleet.order({ kind: 'work' })
    while (reports.some(({ firstConnection }) => firstConnection === undefined)) {
      await delay(100)
      reports = await fleet.order({ kind: 'report' })
    }
    const atStart = emulator.calls.length
    await delay(lifetimes * LIFETIME_SECONDS * 1_000)
    const perLifetime = (emulator.calls.length - atStart) / lifetimes
    reports = await fleet.order({ kind: 'report' })
    const failed = reports.flatMap(({ failures }) => Object.values(failures)).reduce((sum, times) => sum + times, 0)
    const times = reports.map(({ firstConnection = Number.NaN }) => firstConnection).sort((a, b) => a - b)
    const [median = Number.NaN, slowest = Number.NaN] = [times[times.length >> 1], times.at(-1)]
    const commands = reports.reduce((sum, { operations }) => sum + operations, 0)
    return { atStart, perLifetime, commandsPerCall: commands / emulator.calls.length, median, slowest, failed }
  } finally {
    await fleet.kill()
    await server?.kill()
  }
}

async function run({ quick, log }: Setting): Promise<Result> {
  const figures: Figure[] = []
  const shared: number[] = []
  const notes: string[] = []
  const installed = engines.filter(({ isInstalled }) => isInstalled)
  for (const { name } of engines.filter(engine => !installed.includes(engine))) notes.push(`${name} is not installed.`)
  for (const size of SIZES)
    for (const engine of [undefined, ...installed]) {
      const subject = `${size} ${size === 1 ? 'process' : 'processes'}, ${engine?.name ?? 'no store'}`
      log(subject)
      const measured = await measure(size, engine, quick ? 1 : 2)
      const { atStart, perLifetime, commandsPerCall, median, slowest, failed } = measured
      if (failed > 0) notes.push(`${subject}: ${failed} attempts failed.`)
      if (engine) shared.push(atStart)
      figures.push(
        { subject, metric: 'calls at the start', value: atStart, unit: 'calls' },
        { subject, metric: 'calls per lifetime', value: perLifetime, unit: 'calls' },
        ...(engine
          ? [{ subject, metric: 'commands per call', value: commandsPerCall, unit: 'commands' as const }]
          : []),
        { subject, metric: 'first connection, median', value: median, unit: 'ms' },
        { subject, metric: 'slowest', value: slowest, unit: 'ms' },
      )
    }
  const most = Math.max(...shared)
  return {
    figures,
    notes,
    checks: [
      {
        what: 'calls at the start of a fleet that shares',
        value: most,
        unit: 'calls',
        relation: '=',
        limit: 1,
        exact: true,
      },
    ],
  }
}

export const fleetStore: Bench = {
  name: 'fleet-store',
  title: 'Processes that share their logins',
  about: `Real processes on one machine start at once, each with a client of node-redis, ioredis, Valkey GLIDE or DynamoDB, and open a connection every two seconds. Logins are valid for ${LIFETIME_SECONDS} s, and AWS responds in ${AWS_MILLIS} ms. A process that calls AWS also loads the SDK, which is included in the time to the first connection. DynamoDB is dynalite, a process on the same machine.`,
  limitations:
    'With twenty processes on few cores, the time to the first connection depends mostly on the machine, because each process sets up TLS. On separate machines, processes do not wait for each other in this way.',
  cheap: false,
  run,
}
