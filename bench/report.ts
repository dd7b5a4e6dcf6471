import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Bench, holds } from './bench.js'
import type { FleetPlot } from './fleet.js'
import { formatTarget, formatValue, markdownTable, tablesOf } from './format.js'
import { machineLine } from './machine.js'
import type { OutagePlot } from './outage.js'
import { drawFleet, drawOutage, drawRotation } from './plots.js'
import type { StoredResult, StoredResults } from './results.js'
import type { RotationPlot } from './rotation.js'

const docs = new URL('../docs/', import.meta.url)

/** The pictures, by bench. */
const DRAWINGS: Readonly<Record<string, (plot: unknown) => string>> = {
  rotation: plot => drawRotation(plot as RotationPlot),
  outage: plot => drawOutage(plot as OutagePlot),
  fleet: plot => drawFleet(plot as FleetPlot),
}

const HEAD = `# Performance

<!-- Written by \`npm run bench -- --write\` from bench/results.json. Change bench/, not this file. -->

A user should not be able to tell a pool with this package from one with a fixed password. What follows is measured against what people would take instead, in
one run, in turn: ratios mean something on every machine, times only on the one that they were taken on.

\`\`\`sh
npm run bench                        # everything, about three quarters of an hour
npm run bench -- --only hit,cold     # some of it
npm run bench -- --quick --check     # what CI runs: under a minute, with room for noise; fails where a target is missed
npm run bench -- --write             # stores the results, and writes this page
\`\`\`

`

const FOOT = `## What the figures do not show

- **Redshift itself.** The server is this package's [emulator](emulator.md): real PostgreSQL, real TLS, AWS's wire protocols, but neither Redshift's own login time, which
  is longer and the same for all, nor a network, unless a table names one. Shares of the whole are therefore smaller in life than here.
- **Your machine.** Everything ran on the one machine named above, server and client together. Compare ratios; where a ratio near 1 matters, the 95 % interval stands beside it.
- **AWS's limits.** How many calls AWS takes before it throttles is not published. The counts say how many calls are made, not how many are too many.
- **Simulated time.** The outage and the fleet run the very cache that ships, over a clock that jumps. What the others do is their own code where it can be had, else a model of
  their sources; each section says which.
- **What is not there.** No figure says how a peer behaves beyond the case that it is measured in.
`

/** One line for each target. */
function summary(benches: readonly Bench[], results: StoredResults): string {
  const rows = benches.flatMap(({ name }) =>
    (results[name]?.checks ?? []).map(check => [
      `[${name}](#${name})`,
      check.what,
      formatValue(check.value, check.unit),
      formatTarget(check),
      holds(check, false) ? 'yes' : '**no**',
    ]),
  )
  return `## Targets\n\n${markdownTable([['bench', 'what', 'measured', 'to reach', 'reached'], ...rows])}\n`
}

function section(bench: Bench, result: StoredResult): string {
  const { name, title, about, silence } = bench
  const parts = [
    `## ${name}`,
    `**${title}.** ${about}`,
    ...(name in DRAWINGS ? [`![${title}](performance-${name}.svg)`] : []),
    ...tablesOf(result.figures).map(markdownTable),
    ...(result.notes ?? []),
    `*What it does not show:* ${silence}`,
    `\`npm run bench -- --only ${name}\` (${result.seconds} s; ${machineLine(result.machine)})`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** Writes docs/performance.md, and its pictures. */
export function render(benches: readonly Bench[], results: StoredResults): void {
  const measured = benches.flatMap(bench => {
    const result = results[bench.name]
    return result ? [{ bench, result }] : []
  })
  for (const { bench, result } of measured) {
    const drawing = DRAWINGS[bench.name]?.(result.plot)
    if (drawing) writeFileSync(new URL(`performance-${bench.name}.svg`, docs), drawing)
  }
  const packages = measured.at(-1)?.result.machine.packages ?? {}
  const versions = Object.entries(packages).map(([name, version]) => `\`${name}\` ${version}`)
  const page = [
    HEAD + summary(benches, results),
    ...measured.map(({ bench, result }) => section(bench, result)),
    FOOT,
    `Measured with ${versions.join(', ')}.\n`,
  ]
  writeFileSync(fileURLToPath(new URL('performance.md', docs)), page.join('\n'))
}
