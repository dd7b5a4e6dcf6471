/**
 * npm run bench [-- --only hit,cold] [--quick] [--check] [--write | --render]
 *
 * --only    runs these benches only
 * --quick   takes seconds instead of minutes, and omits benches that need minutes
 * --check   exits with 1 if a target is missed; a quick run tolerates noise
 * --write   stores the results in bench/results.json, and writes docs/performance.md and its pictures
 * --render  runs nothing, and writes docs/performance.md from bench/results.json
 */
import { parseArgs } from 'node:util'
import { type Bench, holds, type Result } from './bench.js'
import { cold } from './cold.js'
import { connect } from './connect.js'
import { fleet } from './fleet.js'
import { fleetStore } from './fleet-store.js'
import { formatTarget, formatValue, plainTable, tablesOf } from './format.js'
import { hit } from './hit.js'
import { describeMachine, machineLine } from './machine.js'
import { memory } from './memory.js'
import { outage } from './outage.js'
import { render } from './report.js'
import { readResults, type StoredResults, storeResults } from './results.js'
import { rotation } from './rotation.js'
import { stampede } from './stampede.js'

// The SDK warns about future versions of Node.js. The output is for results.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

const BENCHES: readonly Bench[] = [hit, connect, cold, stampede, rotation, outage, fleet, fleetStore, memory]

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
  },
})

function chosen(): readonly Bench[] {
  if (values.only === undefined) return values.quick ? BENCHES.filter(({ cheap }) => cheap) : BENCHES
  const names = values.only.split(',')
  for (const name of names)
    if (!BENCHES.some(bench => bench.name === name))
      throw new Error(`There is no bench "${name}". The benches are ${BENCHES.map(bench => bench.name).join(', ')}.`)
  return BENCHES.filter(({ name }) => names.includes(name))
}

function show({ figures, checks, notes = [] }: Result): boolean {
  for (const table of tablesOf(figures)) console.log(`\n${plainTable(table)}`)
  console.log()
  for (const note of notes) console.log(note)
  for (const check of checks)
    console.log(
      `${holds(check, values.quick) ? '✔' : '✖'} ${check.what}: ${formatValue(check.value, check.unit)}, target: ${formatTarget(check)}`,
    )
  return checks.every(check => holds(check, values.quick))
}

async function main(): Promise<void> {
  if (values.quick && values.write) throw new Error('--write needs a full run. Omit --quick.')
  const stored: StoredResults = { ...readResults() }
  if (values.render) return render(BENCHES, stored)
  const missed: string[] = []
  for (const bench of chosen()) {
    const machine = describeMachine()
    console.log(`\n━━ ${bench.name}: ${bench.title}\n${machineLine(machine)}`)
    const began = performance.now()
    const result = await bench.run({ quick: values.quick, log: line => console.log(`   ${line}`) })
    const seconds = Math.round((performance.now() - began) / 1_000)
    if (!show(result)) missed.push(bench.name)
    stored[bench.name] = { machine, seconds, ...result }
    // After each bench, so that an interrupted run is not lost.
    if (values.write) await storeResults(stored)
  }
  if (values.write) render(BENCHES, stored)
  console.log(missed.length > 0 ? `\nTargets missed: ${missed.join(', ')}` : '\nEvery target was reached.')
  if (values.check && missed.length > 0) process.exitCode = 1
}

await main()
