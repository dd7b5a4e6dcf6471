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

The goal: a pool with this package is as fast as one with a fixed password. This page compares it with the alternatives, measured in turn in the same run.
Ratios are valid on every machine, times only on the machine that they were measured on.

\`\`\`sh
npm run bench                        # all benches, about 45 minutes
npm run bench -- --only hit,cold     # some of them
npm run bench -- --quick --check     # as in CI: less than a minute, tolerates noise, fails if a target is missed
npm run bench -- --write             # stores the results, and writes this page
\`\`\`

`

const FOOT = `## Limitations

- **Redshift.** The server is this package's [emulator](emulator.md): real PostgreSQL, real TLS, AWS's wire protocols. It has neither Redshift's own login time, which is
  longer and the same for all, nor a network, unless a table names one. So in production, shares of the total time are smaller than here.
- **Your machine.** Server and client ran together on the machine named above. Compare ratios. If a ratio is near 1, its 95 % interval is given.
- **AWS's limits.** AWS does not publish how many calls it accepts before it throttles. The counts show how many calls are made, not how many are too many.
- **Simulated time.** The outage and the fleet run the cache of this package with a simulated clock. The others run their own code, or a model of their sources; each section
  says which.
- **Other cases.** The figures do not show how the others behave beyond the measured case.
`

/** A table with one row for each target. */
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
  return `## Targets\n\n${markdownTable([['bench', 'what', 'measured', 'target', 'reached'], ...rows])}\n`
}

function section(bench: Bench, result: StoredResult): string {
  const { name, title, about, limitations } = bench
  const parts = [
    `## ${name}`,
    `**${title}.** ${about}`,
    ...(name in DRAWINGS ? [`![${title}](performance-${name}.svg)`] : []),
    ...tablesOf(result.figures).map(markdownTable),
    ...(result.notes ?? []),
    `*Limitations:* ${limitations}`,
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
