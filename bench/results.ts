import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Result } from './bench.js'
import type { Machine } from './machine.js'

/** The last full run of a bench. */
export interface StoredResult extends Result {
  readonly machine: Machine
  readonly seconds: number
}

export type StoredResults = Record<string, StoredResult>

const file = fileURLToPath(new URL('./results.json', import.meta.url))
const biome = fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url))

export const readResults = (): StoredResults => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {})

/** More digits are noise, and would change every line in every run. */
const round = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value

export async function storeResults(results: StoredResults): Promise<void> {
  writeFileSync(file, JSON.stringify(results, round, 2))
  await promisify(execFile)(biome, ['format', '--write', file])
}
