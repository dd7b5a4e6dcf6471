/**
 * A soak test: four consumers of the package continuously request connections, queries and logins from the emulator, while AWS and the
 * server fail at random. Each failure must be one that no client could have avoided, and memory, handles and listeners must not grow.
 * At the same time, fleets share their logins through stores that fail at random. None of their requests may fail.
 *
 * npm run soak [-- --short | --seconds 180] [--seed 42]
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startRedshiftEmulator } from 'pg-redshift-iam/emulator'
import { engines } from '../spec/support/engines.js'
import { type Evidence, excuse } from './excuses.js'
import { FaultInjector, planFaults } from './faults.js'
import { type FleetResult, startFleet } from './fleet.js'
import type { Counts, Failure, Order, Report, Size } from './protocol.js'
import { Random } from './random.js'

const LIFETIME_SECONDS = 12
const FETCH_TIMEOUT_MILLIS = 3_000
/** The longest pause without a login. */
const PAUSE_MILLIS = 5_000

const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, seconds: { type: 'string' }, seed: { type: 'string' } },
})
const seconds = Number(values.seconds ?? (values.short ? 28 : 180))
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))
console.log(`soak: seed ${seed}, ${seconds} seconds of faults; repeat it with --seconds ${seconds} --seed ${seed}`)

const emulator = await startRedshiftEmulator({
  lifetimeSeconds: LIFETIME_SECONDS,
  postgres: process.env.REDSHIFT_EMULATOR_POSTGRES,
})
const injector = new FaultInjector(emulator)
const fetches: Evidence['fetches'][number][] = []
const failures: Failure[] = []
const crashes: string[] = []
let calls = 0

const subject = fork(fileURLToPath(new URL('subject.ts', import.meta.url)), {
  execArgv: ['--expose-gc', '--import', 'tsx'],
  env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
})
const order = (given: Order): void => void subject.send(given)
const awaited: ((report: Report) => void)[] = []
subject.on('message', (report: Report) => {
  if (report.kind === 'failure') failures.push(report.failure)
  else if (report.kind === 'fetch') fetches.push(report)
  else if (report.kind === 'crashed') crashes.push(report.what)
  else awaited.shift()?.(report)
})
subject.once('exit', code => {
  if (awaited.length === 0) return
  console.error(`The process under test ended (${code}).`)
  process.exit(1)
})
const reply = (): Promise<Report> => new Promise(resolve => awaited.push(resolve))

async function rest(): Promise<{ size: Size; counts: Counts }> {
  order({ kind: 'rest' })
  const report = await reply()
  if (report.kind !== 'resting') throw new Error(`Expected its size, got ${report.kind}.`)
  return report
}

/** Injects faults for this long, then measures the process at rest. */
async function round(random: Random, millis: number): Promise<{ size: Size; counts: Counts }> {
  order({ kind: 'work' })
  await injector.play(planFaults(random, millis, LIFETIME_SECONDS * 1_000))
  calls += emulator.calls.length
  emulator.calls.length = emulator.logins.length = 0
  return rest()
}

// Before the work begins, because compiling its program blocks this process and the emulator in it.
const fleets: { name: string; soak: (millis: number) => Promise<FleetResult> }[] = []
for (const [index, engine] of engines.entries())
  if (engine.isInstalled)
    fleets.push({ name: engine.name, soak: await startFleet(engine, new Random(seed + 1 + index), LIFETIME_SECONDS) })
  else console.log(`  SKIPPED: ${engine.name} is not installed, so no fleet shares through it.`)
const started = reply()
order({
  kind: 'start',
  setting: {
    endpoint: emulator.endpoint,
    credentials: emulator.aws.credentials,
    gatewayPort: emulator.address.port,
    ca: emulator.ca,
    cluster: emulator.poolConfig('provisioned').host,
    workgroup: emulator.poolConfig('serverless').host,
    fetchTimeoutMillis: FETCH_TIMEOUT_MILLIS,
    // Enough for a login on a machine that is busy with other things.
    connectTimeoutMillis: 10_000,
    warmUps: injector.warmUp(),
  },
})
await started
const random = new Random(seed)
const sharing = Promise.all(fleets.map(async ({ name, soak }) => ({ name, ...(await soak(seconds * 1_000)) })))
const quarter = await round(random, (seconds * 1_000) / 4)
const end = await round(random, (seconds * 1_000 * 3) / 4)
order({ kind: 'end' })
await emulator.close()
const shared = await sharing

const evidence: Evidence = {
  faults: injector.past,
  fetches,
  lifetimeMillis: LIFETIME_SECONDS * 1_000,
  recoveryMillis: FETCH_TIMEOUT_MILLIS + PAUSE_MILLIS,
}
const tally = (names: readonly string[]): string => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  const lines = [...counts].sort(([, a], [, b]) => b - a)
  return lines.map(([name, count]) => `\n    ${String(count).padStart(5)}  ${name}`).join('') || ' none'
}
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`
const unexcused = failures.filter(failure => excuse(failure, evidence) === undefined)
const rotations = fetches.filter(({ outcome, background }) => background && outcome === 'fetched').length
const grown = (['heapBytes', 'handles', 'listeners'] as const).filter(
  what => end.size[what] > quarter.size[what] * 1.05,
)

console.log(`  connections opened   ${end.counts.connections}
  queries              ${end.counts.queries}
  callers that gave up ${end.counts.aborted}
  API calls            ${calls}
  rotations            ${rotations} unnoticed, and ${fetches.length - rotations} other fetches
  faults injected${tally(injector.past.filter(({ hits }) => hits > 0).map(({ name }) => name))}
  failures that no client could avoid${tally(failures.flatMap(failure => excuse(failure, evidence) ?? []))}
  failures that a client could have avoided: ${unexcused.length}
  heap       ${megabytes(quarter.size.heapBytes)} after a quarter, ${megabytes(end.size.heapBytes)} at the end
  handles    ${quarter.size.handles} after a quarter, ${end.size.handles} at the end
  listeners  ${quarter.size.listeners} after a quarter, ${end.size.listeners} at the end`)
for (const { consumer, code, message, from, to } of unexcused.slice(0, 20))
  console.log(`  NOT EXCUSED  ${consumer}, from ${from} to ${to}: ${code} ${message.slice(0, 160)}`)
if (unexcused.length > 0)
  for (const { name, from, to, hits } of injector.past)
    console.log(`  fault        from ${from} to ${to}: ${name}, ${hits} hits`)
for (const crash of crashes) console.log(`  UNCAUGHT     ${crash}`)
for (const what of grown) console.log(`  GROWN        ${what}`)

const lost = shared.flatMap(({ failures }) => Object.entries(failures))
for (const fleet of shared) {
  const faults = Object.entries(fleet.faults).map(([name, count]) => `${count} ${name}`)
  const failed = Object.entries(fleet.failures).map(([error, count]) => `${count} ${error}`)
  console.log(`  fleet: ${fleet.connections} connections, ${fleet.asked} logins requested, ${fleet.calls} API calls, ${fleet.hits} hits in ${fleet.name}
    ${fleet.name} failed ${fleet.direct} fetches, which then called AWS: ${faults.join(', ')}
    failures: ${failed.join('; ') || 0}`)
}

const idle =
  // A short soak may have no rotation without a fault, so it only requires that logins were fetched.
  !fetches.some(({ outcome }) => outcome === 'fetched') ||
  end.counts.queries === 0 ||
  injector.past.length === 0 ||
  shared.some(({ connections, hits, direct }) => connections === 0 || hits + direct === 0)
process.exitCode = unexcused.length + crashes.length + grown.length + lost.length > 0 || idle ? 1 : 0
