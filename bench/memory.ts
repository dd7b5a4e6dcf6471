import type { Bench, Figure, Result, Setting } from './bench.js'
import { median } from './statistics.js'
import { builtPackage } from './support/build.js'
import { runProgram } from './support/program.js'

const OURS = 'RedshiftCredentials, default bound (100)'
const MAP = 'a Map without a bound'
const ENTRIES = 10_000
const ROUNDS = 3

/** The heap that this many keys need, in bytes. */
async function heapOf(rounds: number, how: 'ours' | 'map', keys: number, maxEntries?: number): Promise<number> {
  const args = [how, String(keys), ...(maxEntries === undefined ? [] : [String(maxEntries)])]
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { bytes } = await runProgram<{ bytes: number }>('memory.mjs', args, { nodeOptions: ['--expose-gc'] })
    samples.push(bytes)
  }
  return median(samples)
}

async function run({ quick, log }: Setting): Promise<Result> {
  await builtPackage()
  const rounds = quick ? 1 : ROUNDS
  const many = 100_000
  const figures: Figure[] = []
  const heaps = new Map<string, number>()
  for (const [subject, how] of [
    [OURS, 'ours'],
    [MAP, 'map'],
  ] as const)
    for (const keys of [1, 1_000, many]) {
      const bytes = await heapOf(rounds, how, keys)
      log(`${subject}, ${keys} keys: ${Math.round(bytes / 1_000)} kB`)
      heaps.set(`${how} ${keys}`, bytes)
      figures.push({
        subject,
        metric: `heap after ${keys.toLocaleString('en')} keys`,
        value: bytes / 1_000,
        unit: 'kB',
      })
    }
  const perEntry = {
    [OURS]: ((await heapOf(rounds, 'ours', ENTRIES, ENTRIES)) - (heaps.get('ours 1') ?? 0)) / ENTRIES,
    [MAP]: ((heaps.get(`map ${many}`) ?? 0) - (heaps.get('map 1') ?? 0)) / many,
  }
  for (const [subject, value] of Object.entries(perEntry))
    figures.push({ subject, metric: 'per entry, a password of 400 characters included', value, unit: 'bytes' })
  return {
    figures,
    checks: [
      {
        what: `heap for each key beyond the first thousand, of ${many.toLocaleString('en')} (100 are kept)`,
        value: Math.max(0, (heaps.get(`ours ${many}`) ?? 0) - (heaps.get('ours 1000') ?? 0)) / (many - 1_000),
        unit: 'bytes',
        relation: '≤',
        // Two equal runs differ by some hundred kB in total.
        limit: 10,
        exact: false,
      },
    ],
  }
}

export const memory: Bench = {
  name: 'memory',
  title: 'Memory',
  about: `Requests logins for many databases, one after the other, and AWS responds at once. Then it collects the garbage and reads the size of the heap, in a new process for each figure (median of ${ROUNDS}). The size of an entry is measured with ${ENTRIES.toLocaleString('en')} entries and \`maxEntries: ${ENTRIES}\`.`,
  limitations:
    'A program that needs more than 100 different logins at the same time must raise `maxEntries`. Otherwise it saves memory, but makes more API calls.',
  cheap: true,
  run,
}
